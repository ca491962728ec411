//! Plugins that are shared libraries: how they are examined, verified and loaded.

pub(crate) mod elf;
mod inspect;
mod load;
mod loaded;
mod machine;
mod runtime;
mod verify;

pub use elf::{Elf, Entry, Library, read as read_elf};
pub use inspect::{Content, Inspection, inspect};
pub use load::load;
pub use loaded::read_any_table;
pub use runtime::find_runtime;
pub use verify::{Needed, Verified, verify_library};
