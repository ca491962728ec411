//! Backends that are not part of the program: shared libraries that are loaded, and programs that
//! run beside it. To a store they are the same trait objects as linked ones.
//!
//! Nothing is searched for and nothing is taken on trust: a plugin is a file that configuration
//! names, with the SHA-256 that it must have.

mod elf;
mod fault;
mod inspect;
mod machine;
mod pin;
mod placement;
mod rights;
mod runtime;
mod sealed;
mod verify;

#[doc(hidden)]
pub use self::elf::{Elf, read as read_elf};
pub use self::elf::{Entry, Library};
pub use inspect::{Content, Inspection, inspect};
pub use pin::{Digest, Pin};
pub use runtime::find_runtime;
pub use sealed::Sealed;
pub use verify::{Needed, Program, Verified, verify_library, verify_program};
