//! Backends that are not part of the program: shared libraries, which it loads, and programs, which
//! it runs as child processes. A store uses them as the same trait objects as linked ones.
//!
//! Nothing is searched for and nothing is trusted by default: a plugin is a file that the
//! configuration names, with the SHA-256 that it must have.
//!
//! With the feature `loaded`, a program can load shared libraries; without it, the crate contains
//! nothing of that.

mod calls;
mod errors;
#[cfg(feature = "loaded")]
mod library;
mod named_stores;
mod placement;
pub mod process;
mod program;
mod rights;
mod roles;
mod sealed;
mod serve;

pub use keyward_core::{Digest, Pin};
#[cfg(feature = "loaded")]
pub use library::{
    Content, Entry, Inspection, Library, Needed, Verified, find_runtime, inspect, load,
    verify_library,
};
#[cfg(feature = "loaded")]
#[doc(hidden)]
pub use library::{Elf, read_any_table, read_elf};
pub use program::{Program, verify_program};
pub use sealed::Sealed;
#[doc(hidden)]
pub use serve::serve_in_turn;
pub use serve::{serve, serve_parent};
