//! The tables that a plugin shows and that a host shows.
#![expect(clippy::use_self, reason = "the C header is made from these names")]

use std::ffi::c_void;

use super::data::{
    Buffer, EntryName, EntrySink, Expectation, Failure, Operation, PutOptions, Query, SealContext,
    Short, Slice,
};

/// What a plugin's entry gives: who it is, and what it brings. It is there for good.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Plugin {
    /// [`MAGIC`](super::MAGIC).
    pub magic: u64,
    /// Of this table, in bytes.
    pub size: u32,
    /// [`MAJOR`](super::MAJOR) of the interface that it was built for.
    pub major: u16,
    /// [`MINOR`](super::MINOR) of it.
    pub minor: u16,
    /// [`FLAG_PANIC_ABORTS`](super::FLAG_PANIC_ABORTS), or nothing.
    pub flags: u64,
    /// The name of its package.
    pub package: Slice,
    /// The version of its package.
    pub version: Slice,
    /// Pointers to its backends.
    pub backends: *const *const Backend,
    /// How many there are.
    pub backend_count: usize,
}

/// A backend in one role.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Backend {
    /// Of this table, in bytes.
    pub size: u32,
    /// [`ROLE_SERIALIZER`](super::ROLE_SERIALIZER) or another one.
    pub role: u32,
    /// What it is called.
    pub name: Slice,
    /// What it is for, in one line.
    pub help: Slice,
    /// What it can be told: so many rows, one behind the other.
    pub options: *const OptionRow,
    /// How many rows there are.
    pub option_count: usize,
    /// The methods of its role: `SerializerMethods` for a serializer, and so on.
    pub methods: *const c_void,
    /// Opens it with its options, an object in JSON. It is told itself.
    ///
    /// The host is the instance's until it calls `release`, which it must in the end, also if it
    /// fails to open.
    pub open: Option<
        unsafe extern "C" fn(
            backend: *const Backend,
            host: *const HostTable,
            options: Slice,
            instance: *mut *mut Instance,
            failure: *mut Failure,
        ) -> i32,
    >,
}

/// An opened backend: the plugin's own affair. Its methods may be called by many threads at once.
#[derive(Debug)]
pub enum Instance {}

/// One key of a backend's options.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OptionRow {
    /// Of this row, in bytes.
    pub size: u32,
    /// 0: text. 1: path. 2: flag. 3: number. 4: list. 5: secret.
    pub kind: u32,
    /// Whether it must be given: 0 or 1.
    pub required: u32,
    /// Zero.
    pub reserved: u32,
    /// The key.
    pub name: Slice,
    /// What it is when it is not given, written as in TOML; NULL for nothing.
    pub default_value: Slice,
    /// What it does, in one line.
    pub help: Slice,
}

/// What a host does for an instance. Its functions may be called by every thread.
#[repr(C)]
#[derive(Debug)]
pub struct HostTable {
    /// Of this table, in bytes.
    pub size: u32,
    /// The host's own [`MAJOR`](super::MAJOR).
    pub major: u16,
    /// The host's own [`MINOR`](super::MINOR).
    pub minor: u16,
    /// To be handed back.
    pub context: *mut c_void,
    /// Ends the host; nothing of it may be used afterwards.
    pub release: Option<unsafe extern "C" fn(context: *mut c_void)>,
    /// The secret that an option refers to; `reference` is that option's value, in JSON.
    pub secret: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            reference: Slice,
            secret: *mut Buffer,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// What somebody at the terminal answers; asked twice where `confirm` is 1.
    pub prompt: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            text: Slice,
            confirm: u32,
            answer: *mut Buffer,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// An environment variable; NULL if it is not set.
    pub variable:
        Option<unsafe extern "C" fn(context: *mut c_void, name: Slice, value: *mut Buffer)>,
    /// The time, in seconds since 1970.
    pub now: Option<unsafe extern "C" fn(context: *mut c_void) -> u64>,
    /// Tells whoever watches: 1 a warning, 2 what is done, 3 how.
    pub log: Option<unsafe extern "C" fn(context: *mut c_void, level: u32, message: Slice)>,
    /// How long the caller still waits, in milliseconds; [`NONE`](super::NONE) for ever.
    pub remaining: Option<unsafe extern "C" fn(context: *mut c_void) -> u64>,
}

/// The methods of a serializer.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SerializerMethods {
    /// Of this table, in bytes.
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// Ends the instance.
    pub close: Option<unsafe extern "C" fn(instance: *mut Instance)>,
    /// Encodes a record, which comes as CBOR.
    pub encode: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            record: Slice,
            encoded: *mut Buffer,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Decodes a record, which goes as CBOR.
    pub decode: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            encoded: Slice,
            record: *mut Buffer,
            failure: *mut Failure,
        ) -> i32,
    >,
}

/// What an encryption can do.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct EncryptionAbilities {
    /// Of this table, in bytes.
    pub size: u32,
    /// Whether it ties a blob to its context itself: 0 or 1.
    pub binds_context: u32,
    /// Whether only who holds the key could have made a blob that opens: 0 or 1.
    pub authenticates: u32,
    /// 0: there are no keys. 1: the store hands one in. 2: the encryption brings its own.
    pub keys: u32,
}

/// The methods of an encryption.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct EncryptionMethods {
    /// Of this table, in bytes.
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// Ends the instance.
    pub close: Option<unsafe extern "C" fn(instance: *mut Instance)>,
    /// What this instance can do, for as long as it is open.
    pub abilities: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            abilities: *mut EncryptionAbilities,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// The key that a seal would use now, if the encryption brings its own.
    pub current_key: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            entry: EntryName,
            key: *mut Short,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Seals bytes.
    pub seal: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            plain: Slice,
            context: *const SealContext,
            blob: *mut Buffer,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Opens what was sealed.
    pub unseal: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            blob: Slice,
            context: *const SealContext,
            plain: *mut Buffer,
            failure: *mut Failure,
        ) -> i32,
    >,
}

/// The methods of a key source.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KeyMethods {
    /// Of this table, in bytes.
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// Ends the instance.
    pub close: Option<unsafe extern "C" fn(instance: *mut Instance)>,
    /// Makes a secret, or gives the one that was supplied; `made` tells, 1 or 0.
    pub create: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            id: Slice,
            key: *mut Buffer,
            parameters: *mut Buffer,
            made: *mut u32,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// The secret.
    pub load: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            id: Slice,
            parameters: Slice,
            key: *mut Buffer,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Removes a secret that was made.
    pub remove: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            id: Slice,
            parameters: Slice,
            failure: *mut Failure,
        ) -> i32,
    >,
}

/// What a storage can do.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct StorageAbilities {
    /// Of this table, in bytes.
    pub size: u32,
    /// How long blobs last. 0: as long as the process. 1: the session. 2: for good.
    pub persistence: u32,
    /// Who may use it at once. 0: one process. 1: one machine. 2: many machines.
    pub sharing: u32,
    /// Whether it lists its entries: 0 or 1.
    pub lists: u32,
    /// Whether `bulk` can be called: 0 or 1.
    pub bulk: u32,
    /// Whether `lock` can be called: 0 or 1.
    pub locks: u32,
    /// The largest blob, in bytes; [`NONE`](super::NONE) for no limit.
    pub largest: u64,
}

/// The methods of a storage.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct StorageMethods {
    /// Of this table, in bytes.
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// Ends the instance.
    pub close: Option<unsafe extern "C" fn(instance: *mut Instance)>,
    /// What this instance can do, for as long as it is open.
    pub abilities: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            abilities: *mut StorageAbilities,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// The blob of an entry. Without a revision, that is the SHA-256 of the blob.
    pub get: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            entry: EntryName,
            blob: *mut Buffer,
            revision: *mut Short,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Keeps a blob.
    pub put: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            entry: EntryName,
            blob: Slice,
            options: *const PutOptions,
            revision: *mut Short,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Removes an entry.
    pub remove: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            entry: EntryName,
            expect: *const Expectation,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Tells some of the entries; `next` is where the others begin, if there are others.
    pub list: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            query: *const Query,
            entries: *const EntrySink,
            next: *mut Buffer,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Removes everything, and then itself.
    pub destroy:
        Option<unsafe extern "C" fn(instance: *mut Instance, failure: *mut Failure) -> i32>,
    /// Makes all changes or none. May be NULL.
    pub bulk: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            operations: *const Operation,
            operation_count: usize,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Takes a lock, shared (0) or exclusive (1); times are in milliseconds. May be NULL.
    pub lock: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            entry: EntryName,
            mode: u32,
            wait: u64,
            ttl: u64,
            guard: *mut *mut c_void,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Holds a lock for `ttl` from now on. May be NULL if `lock` is.
    pub renew: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            guard: *mut c_void,
            ttl: u64,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Ends a lock. May be NULL if `lock` is.
    pub unlock: Option<unsafe extern "C" fn(instance: *mut Instance, guard: *mut c_void)>,
}
