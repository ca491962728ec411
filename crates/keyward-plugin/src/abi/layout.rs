//! The layout of version 1. It is frozen: if a field moves, this module does not compile.
//!
//! A field that a later minor version adds goes to the end of its table, and its line to the end of
//! the list here. The existing lines do not change.

use std::mem::offset_of;

use super::data::*;
use super::table::*;

/// A table that contains its size.
pub trait Table {
    /// The smallest size of a table: up to the end of what version 1.0 requires.
    const LEAST: usize;
}

macro_rules! least {
    ($($table:ident: $size:expr;)*) => {
        $(impl Table for $table {
            const LEAST: usize = $size;
        })*
    };
}

least! {
    Failure: size_of::<Self>();
    Network: size_of::<Self>();
    PutOptions: size_of::<Self>();
    Query: size_of::<Self>();
    SealContext: size_of::<Self>();
    HostTable: size_of::<Self>();
    Plugin: size_of::<Self>();
    Backend: size_of::<Self>();
    OptionRow: size_of::<Self>();
    SerializerMethods: size_of::<Self>();
    EncryptionAbilities: size_of::<Self>();
    EncryptionMethods: size_of::<Self>();
    KeyMethods: offset_of!(Self, rewrap);
    StorageAbilities: size_of::<Self>();
    StorageMethods: offset_of!(Self, bulk);
}

#[cfg(target_pointer_width = "64")]
macro_rules! frozen {
    ($($table:ident { $($field:ident: $offset:literal,)* } = $size:literal;)*) => {
        $(
            $(const _: () = assert!(offset_of!($table, $field) == $offset);)*
            const _: () = assert!(size_of::<$table>() == $size && align_of::<$table>() <= 8);
        )*
    };
}

#[cfg(target_pointer_width = "64")]
frozen! {
    Slice { data: 0, length: 8, } = 16;
    Buffer { data: 0, length: 8, capacity: 16, release: 24, } = 32;
    Short { length: 0, present: 4, bytes: 8, } = 72;
    Failure { size: 0, operation: 8, backend: 40, message: 72, hint: 104, cause: 136, } = 168;
    Network {
        size: 0, root_files: 8, root_folders: 40, https_proxy: 72, http_proxy: 104, all_proxy: 136,
        no_proxy: 168,
    } = 200;
    EntryName { user: 0, name: 16, } = 32;
    Expectation { kind: 0, revision: 8, } = 80;
    PutOptions { size: 0, expires: 8, expect: 16, } = 96;
    Operation { kind: 0, entry: 8, blob: 40, put: 56, } = 152;
    Query { size: 0, user: 8, prefix: 24, cursor: 40, limit: 56, } = 64;
    EntrySink { context: 0, take: 8, } = 16;
    StoredSink { context: 0, take: 8, } = 16;
    SealContext {
        size: 0, store: 8, entry: 16, key_id: 48, key: 64, salt: 80, binding: 88, associated_data: 96,
    } = 112;
    Plugin {
        magic: 0, size: 8, major: 12, minor: 14, flags: 16, package: 24, version: 40, backends: 56,
        backend_count: 64,
    } = 72;
    Backend {
        size: 0, role: 4, name: 8, help: 24, options: 40, option_count: 48, methods: 56, open: 64,
    } = 72;
    OptionRow {
        size: 0, kind: 4, required: 8, name: 16, default_value: 32, help: 48, choices: 64,
        choice_count: 72,
    } = 80;
    HostTable {
        size: 0, major: 4, minor: 6, context: 8, release: 16, secret: 24, prompt: 32, variable: 40,
        now: 48, log: 56, remaining: 64, network: 72, source_get: 80, source_contains: 88,
        source_list: 96, source_swap: 104,
    } = 112;
    SerializerMethods { size: 0, close: 8, encode: 16, decode: 24, } = 32;
    EncryptionAbilities { size: 0, binds_context: 4, authenticates: 8, keys: 12, } = 16;
    EncryptionMethods {
        size: 0, close: 8, abilities: 16, current_key: 24, seal: 32, unseal: 40,
    } = 48;
    KeyMethods { size: 0, close: 8, create: 16, load: 24, remove: 32, rewrap: 40, } = 48;
    StorageAbilities {
        size: 0, persistence: 4, sharing: 8, lists: 12, bulk: 16, locks: 20, largest: 24,
        swaps: 32, exclusion: 36, bulk_operations: 40, bulk_bytes: 48,
    } = 56;
    StorageMethods {
        size: 0, close: 8, abilities: 16, get: 24, put: 32, remove: 40, list: 48, destroy: 56, bulk: 64,
        lock: 72, renew: 80, unlock: 88, get_many: 96,
    } = 104;
}
