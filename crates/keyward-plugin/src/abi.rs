//! The interface of shared libraries: tables of C functions.
//!
//! [`register!`](crate::register) exports it for every crate of backends, so authors who use Rust
//! need nothing from this module. `docs/plugin-abi.md` is the specification, and
//! `include/keyward_plugin.h` contains the same tables for C; tests compare both with this module.
//! The layout is frozen: within a major version a table only grows at its end, and its first field
//! is its size.
//!
//! # Security
//! Code that follows these pointers must trust the code that made them. A loaded plugin is a part
//! of the program.
#![expect(unsafe_code, reason = "a C interface passes raw pointers")]
#![allow(unsafe_op_in_unsafe_fn, reason = "the body of a C function is as unsafe as its callers")]

mod caller;
mod data;
mod export;
mod failure;
mod held;
mod host;
mod instance;
mod layout;
mod listing;
mod network;
mod numbers;
mod roles;
mod source;
mod table;

pub use data::{
    Buffer, EntryName, EntrySink, Expectation, Failure, Network, Operation, PutOptions, Query,
    SealContext, Short, Slice, StoredSink, duration, milliseconds,
};
pub use export::Export;
pub use layout::Table;
pub use listing::{pass_list, receive_list};
pub use numbers::Number;
pub use table::{
    Backend, EncryptionAbilities, EncryptionMethods, HostTable, Instance, KeyMethods, OptionRow,
    Plugin, SerializerMethods, StorageAbilities, StorageMethods,
};

/// The first field of a plugin's table: `KEYWPLG1`, as a number in the byte order of this machine.
pub const MAGIC: u64 = 0x4b45_5957_504c_4731;

/// The major version. A plugin with another one cannot be used.
pub const MAJOR: u16 = 1;

/// The minor version. It increases when a table grows.
pub const MINOR: u16 = 0;

/// The start of the symbol of a plugin's entry; the plugin's name follows.
pub const ENTRY_PREFIX: &str = "keyward_plugin_v1__";

/// Set in [`Plugin::flags`] if a panic ends the process. A host refuses such a plugin.
pub const FLAG_PANIC_ABORTS: u64 = 1;

/// The call succeeded. A failure has the number of its [`ErrorKind`](crate::ErrorKind).
pub const STATUS_OK: i32 = 0;

/// The plugin panicked; this instance must not be used any more.
pub const STATUS_PANICKED: i32 = 100;

/// The plugin panicked in an earlier call to this instance.
pub const STATUS_POISONED: i32 = 101;

/// The numbers of the roles. A host ignores a backend whose role it does not know.
pub const ROLE_SERIALIZER: u32 = 1;
/// See [`ROLE_SERIALIZER`].
pub const ROLE_ENCRYPTION: u32 = 2;
/// See [`ROLE_SERIALIZER`].
pub const ROLE_KEY: u32 = 3;
/// See [`ROLE_SERIALIZER`].
pub const ROLE_STORAGE: u32 = 4;
/// Reserved for a future role.
pub const ROLE_AUTHENTICATOR: u32 = 5;
/// Reserved for a future role.
pub const ROLE_CHECKER: u32 = 6;

/// The number for "none": no limit, no end, for ever.
pub const NONE: u64 = u64::MAX;
