//! Backends that are not part of the program: shared libraries, which it loads, and programs, which
//! it runs as child processes. A store uses them as the same trait objects as linked ones.
//!
//! Nothing is searched for and nothing is trusted by default: a plugin is a file that the
//! configuration names, with the SHA-256 that it must have.

mod calls;
mod elf;
mod fault;
mod inspect;
mod library;
mod loaded;
mod machine;
mod placement;
pub mod process;
mod rights;
mod roles;
mod runtime;
mod sealed;
mod serve;
mod verify;

#[doc(hidden)]
pub use self::elf::{Elf, read as read_elf};
pub use self::elf::{Entry, Library};
pub use inspect::{Content, Inspection, inspect};
pub use keyward_core::{Digest, Pin};
pub use library::load;
#[doc(hidden)]
pub use loaded::read_any_table;
pub use runtime::find_runtime;
pub use sealed::Sealed;
#[doc(hidden)]
pub use serve::serve_in_turn;
pub use serve::{serve, serve_parent};
pub use verify::{Needed, Program, Verified, verify_library, verify_program};
