//! The tables of a plugin and of a host.
#![expect(clippy::use_self, reason = "the C header is made from these names")]

use std::ffi::c_void;

use super::data::{
    Buffer, EntryName, EntrySink, Expectation, Failure, Network, Operation, PutOptions, Query,
    SealContext, Short, Slice, StoredSink,
};

/// The result of a plugin's entry: its package and its backends. It is valid for ever.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Plugin {
    /// [`MAGIC`](super::MAGIC).
    pub magic: u64,
    /// The size of this table, in bytes.
    pub size: u32,
    /// [`MAJOR`](super::MAJOR) of the interface that it was built for.
    pub major: u16,
    /// [`MINOR`](super::MINOR) of that interface.
    pub minor: u16,
    /// [`FLAG_PANIC_ABORTS`](super::FLAG_PANIC_ABORTS), or 0.
    pub flags: u64,
    /// The name of its package.
    pub package: Slice,
    /// The version of its package.
    pub version: Slice,
    /// Pointers to its backends.
    pub backends: *const *const Backend,
    /// The number of backends.
    pub backend_count: usize,
}

/// A backend in one role.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Backend {
    /// The size of this table, in bytes.
    pub size: u32,
    /// [`ROLE_SERIALIZER`](super::ROLE_SERIALIZER) or another one.
    pub role: u32,
    /// Its name.
    pub name: Slice,
    /// What it is for, in one line.
    pub help: Slice,
    /// Its options: an array of rows.
    pub options: *const OptionRow,
    /// The number of rows.
    pub option_count: usize,
    /// The methods of its role: `SerializerMethods` for a serializer, and so on.
    pub methods: *const c_void,
    /// Opens it with its options, an object in JSON. The first argument is this table.
    ///
    /// The instance owns the host until it calls `release`. It must call `release` in the end, also
    /// if it fails to open.
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

/// An open backend. Only the plugin knows its content. Many threads may call its methods at once.
#[derive(Debug)]
pub enum Instance {}

/// One key of a backend's options.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OptionRow {
    /// The size of this row, in bytes.
    pub size: u32,
    /// 0: text. 1: path. 2: flag. 3: number. 4: list. 5: secret. 6: duration. 7: name of a store.
    pub kind: u32,
    /// Whether it must be given: 0 or 1.
    pub required: u32,
    /// Zero.
    pub reserved: u32,
    /// The key.
    pub name: Slice,
    /// Its value if none is given, written as in TOML; NULL for none.
    pub default_value: Slice,
    /// What it does, in one line.
    pub help: Slice,
    /// The texts that it can be, or that its list can contain: an array.
    pub choices: *const Slice,
    /// The number of choices; 0 for any text.
    pub choice_count: usize,
}

/// The functions that a host provides to an instance. Every thread may call them.
#[repr(C)]
#[derive(Debug)]
pub struct HostTable {
    /// The size of this table, in bytes.
    pub size: u32,
    /// The host's [`MAJOR`](super::MAJOR).
    pub major: u16,
    /// The host's [`MINOR`](super::MINOR).
    pub minor: u16,
    /// The first argument of each function.
    pub context: *mut c_void,
    /// Releases the host. It must not be used afterwards.
    pub release: Option<unsafe extern "C" fn(context: *mut c_void)>,
    /// Returns the secret that an option refers to; `reference` is that option's value, in JSON.
    /// `expires` may be NULL; else it becomes the time at which the secret expires, in seconds since
    /// 1970, or [`NONE`](super::NONE).
    pub secret: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            reference: Slice,
            secret: *mut Buffer,
            expires: *mut u64,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Asks the user at the terminal, twice if `confirm` is 1.
    pub prompt: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            text: Slice,
            confirm: u32,
            answer: *mut Buffer,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Returns an environment variable; NULL if it is not set.
    pub variable:
        Option<unsafe extern "C" fn(context: *mut c_void, name: Slice, value: *mut Buffer)>,
    /// Returns the time, in seconds since 1970.
    pub now: Option<unsafe extern "C" fn(context: *mut c_void) -> u64>,
    /// Writes a message to the log. Level 1: warning. 2: what is done. 3: how it is done.
    pub log: Option<unsafe extern "C" fn(context: *mut c_void, level: u32, message: Slice)>,
    /// Returns how long the caller still waits, in milliseconds; [`NONE`](super::NONE) for ever.
    pub remaining: Option<unsafe extern "C" fn(context: *mut c_void) -> u64>,
    /// Returns which certificates TLS trusts, and which proxies to use.
    pub network: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            network: *mut Network,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Returns the record of an entry, as CBOR, in a store that an option names.
    pub source_get: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            store: Slice,
            entry: EntryName,
            record: *mut Buffer,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Sets `found` to 1 if there is such an entry, else to 0.
    pub source_contains: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            store: Slice,
            entry: EntryName,
            found: *mut u32,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Passes some of the entries to `entries`; `next` is where the others begin, if there are
    /// others.
    pub source_list: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            store: Slice,
            query: *const Query,
            entries: *const EntrySink,
            next: *mut Buffer,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Replaces the record of an entry if it is still `expected`. NULL means that there is no
    /// record: as `expected`, before the call; as `record`, after it.
    pub source_swap: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            store: Slice,
            entry: EntryName,
            expected: Slice,
            record: Slice,
            failure: *mut Failure,
        ) -> i32,
    >,
}

/// The methods of a serializer.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SerializerMethods {
    /// The size of this table, in bytes.
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// Closes the instance.
    pub close: Option<unsafe extern "C" fn(instance: *mut Instance)>,
    /// Encodes a record, which is passed as CBOR.
    pub encode: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            record: Slice,
            encoded: *mut Buffer,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Decodes a record, which is returned as CBOR.
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
    /// The size of this table, in bytes.
    pub size: u32,
    /// Whether the encryption itself ties a blob to its context: 0 or 1.
    pub binds_context: u32,
    /// Whether a blob that opens can only have been made with the key: 0 or 1.
    pub authenticates: u32,
    /// 0: there are no keys. 1: the store passes the key. 2: the encryption has its own keys.
    pub keys: u32,
}

/// The methods of an encryption.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct EncryptionMethods {
    /// The size of this table, in bytes.
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// Closes the instance.
    pub close: Option<unsafe extern "C" fn(instance: *mut Instance)>,
    /// Returns what this instance can do. It does not change while the instance is open.
    pub abilities: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            abilities: *mut EncryptionAbilities,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Returns the key that a seal would use now, if the encryption has its own keys.
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
    /// Opens a sealed blob.
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
    /// The size of this table, in bytes.
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// Closes the instance.
    pub close: Option<unsafe extern "C" fn(instance: *mut Instance)>,
    /// Makes a secret, or returns the one that was supplied. `ownership` says where it is: 0: it was
    /// supplied. 1: the source made and holds it. 2: the parameters contain it, wrapped, or it is
    /// derived from them.
    pub create: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            id: Slice,
            key: *mut Buffer,
            parameters: *mut Buffer,
            ownership: *mut u32,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Returns the secret. `expires` is [`NONE`](super::NONE) at first; a source whose secret expires
    /// sets it to that time, in seconds since 1970.
    pub load: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            id: Slice,
            parameters: Slice,
            key: *mut Buffer,
            expires: *mut u64,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Removes a secret that `create` made.
    pub remove: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            id: Slice,
            parameters: Slice,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Returns new parameters for the same secret. May be NULL.
    pub rewrap: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            id: Slice,
            parameters: Slice,
            new_parameters: *mut Buffer,
            failure: *mut Failure,
        ) -> i32,
    >,
}

/// What a storage can do.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct StorageAbilities {
    /// The size of this table, in bytes.
    pub size: u32,
    /// How long blobs last. 0: they may vanish at any time. 1: as long as the process. 2: the session.
    /// 3: for good.
    pub persistence: u32,
    /// Who can use it at the same time. 0: one process. 1: one machine. 2: many machines.
    pub sharing: u32,
    /// Whether it lists its entries: 0 or 1.
    pub lists: u32,
    /// Whether `bulk` can be called: 0 or 1.
    pub bulk: u32,
    /// Whether `lock` can be called: 0 or 1.
    pub locks: u32,
    /// The largest blob, in bytes; [`NONE`](super::NONE) for no limit.
    pub largest: u64,
    /// Which conditions it checks. 0: all. 1: those of `put`. 2: none.
    pub swaps: u32,
    /// When a lock ends if its holder vanishes. 0: at once. 1: after its `ttl`. 2: it excludes only
    /// the threads of one process.
    pub exclusion: u32,
    /// The most operations of `bulk`; [`NONE`](super::NONE) for no limit.
    pub bulk_operations: u64,
    /// The most bytes of all blobs of `bulk` together; [`NONE`](super::NONE) for no limit.
    pub bulk_bytes: u64,
}

/// The methods of a storage.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct StorageMethods {
    /// The size of this table, in bytes.
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// Closes the instance.
    pub close: Option<unsafe extern "C" fn(instance: *mut Instance)>,
    /// Returns what this instance can do. It does not change while the instance is open.
    pub abilities: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            abilities: *mut StorageAbilities,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Returns the blob of an entry. If it returns no revision, the revision is the SHA-256 of the
    /// blob.
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
    /// Passes some of the entries to `entries`; `next` is where the others begin, if there are
    /// others.
    pub list: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            query: *const Query,
            entries: *const EntrySink,
            next: *mut Buffer,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Removes everything that this storage keeps, and then the storage itself.
    pub destroy:
        Option<unsafe extern "C" fn(instance: *mut Instance, failure: *mut Failure) -> i32>,
    /// Makes all changes or none. Each put writes its revision into the element of `revisions` that
    /// has the index of its operation; without one, it is the SHA-256 of the blob. May be NULL.
    pub bulk: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            operations: *const Operation,
            operation_count: usize,
            revisions: *mut Short,
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
    /// Keeps a lock for `ttl` from now on. May be NULL if `lock` is.
    pub renew: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            guard: *mut c_void,
            ttl: u64,
            failure: *mut Failure,
        ) -> i32,
    >,
    /// Releases a lock. May be NULL if `lock` is.
    pub unlock: Option<unsafe extern "C" fn(instance: *mut Instance, guard: *mut c_void)>,
    /// Passes what each of the first of these entries holds to `sink`, in their order, and at least
    /// the first. May be NULL.
    pub get_many: Option<
        unsafe extern "C" fn(
            instance: *mut Instance,
            entries: *const EntryName,
            entry_count: usize,
            sink: *const StoredSink,
            failure: *mut Failure,
        ) -> i32,
    >,
}
