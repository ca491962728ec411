//! The door through which a shared library comes: a table of C functions.
//!
//! [`register!`](crate::register) exports it for every crate of backends, so authors in Rust need
//! nothing of this. `docs/plugin-abi.md` is the specification, and `include/keyward_plugin.h` the
//! same tables for C; both are held against this module by tests. The layout is frozen: within a
//! major version a table only grows at its end, and its first field says how far it goes.
//!
//! # Security
//! Whoever follows these pointers trusts who made them. A loaded plugin is a part of the program.
#![expect(unsafe_code, reason = "what crosses a C interface is raw pointers")]
#![allow(unsafe_op_in_unsafe_fn, reason = "the body of a C function is as unsafe as its callers")]

mod caller;
mod data;
mod export;
mod failure;
mod host;
mod instance;
mod layout;
mod numbers;
mod roles;
mod table;

pub use data::{
    Buffer, EntryName, EntrySink, Expectation, Failure, Operation, PutOptions, Query, SealContext,
    Short, Slice, duration, milliseconds,
};
pub use export::Export;
pub use layout::Table;
pub use numbers::Number;
pub use table::{
    Backend, EncryptionAbilities, EncryptionMethods, HostTable, Instance, KeyMethods, OptionRow,
    Plugin, SerializerMethods, StorageAbilities, StorageMethods,
};

/// What a plugin's table starts with: `KEYWPLG1`, as a number of this machine.
pub const MAGIC: u64 = 0x4b45_5957_504c_4731;

/// The major version: another one is another interface.
pub const MAJOR: u16 = 1;

/// The minor version: it grows when a table does.
pub const MINOR: u16 = 0;

/// What the symbol of a plugin's entry starts with; its own name follows.
pub const ENTRY_PREFIX: &str = "keyward_plugin_v1__";

/// Set in [`Plugin::flags`] where a panic ends the process. No host takes such a plugin.
pub const FLAG_PANIC_ABORTS: u64 = 1;

/// The call succeeded. A failure has the number of its [`ErrorKind`](crate::ErrorKind).
pub const STATUS_OK: i32 = 0;

/// The plugin panicked; this instance is not to be used any more.
pub const STATUS_PANICKED: i32 = 100;

/// The plugin panicked in an earlier call to this instance.
pub const STATUS_POISONED: i32 = 101;

/// Roles, by number. Those that a host does not know it passes over.
pub const ROLE_SERIALIZER: u32 = 1;
/// See [`ROLE_SERIALIZER`].
pub const ROLE_ENCRYPTION: u32 = 2;
/// See [`ROLE_SERIALIZER`].
pub const ROLE_KEY: u32 = 3;
/// See [`ROLE_SERIALIZER`].
pub const ROLE_STORAGE: u32 = 4;
/// Kept for a role to come.
pub const ROLE_AUTHENTICATOR: u32 = 5;
/// Kept for a role to come.
pub const ROLE_CHECKER: u32 = 6;

/// A number that means none: no limit, no end, for ever.
pub const NONE: u64 = u64::MAX;
