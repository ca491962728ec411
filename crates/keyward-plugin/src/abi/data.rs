//! The data that calls pass.
#![expect(clippy::use_self, reason = "the C header is made from these names")]

use std::ffi::c_void;
use std::ptr;
use std::time::Duration;

use keyward_core::{
    Context, EntryId, Error, Expect, KeyId, Put, Result, Revision, Secret, StoreId, StoreKey,
    Timestamp,
};

use super::NONE;

/// Bytes that belong to the caller. They are valid only during the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// The first byte. NULL means "none", which is not the same as no bytes.
    pub data: *const u8,
    /// The number of bytes.
    pub length: usize,
}

impl Slice {
    /// No slice.
    pub const NULL: Self = Self { data: ptr::null(), length: 0 };

    /// Makes a slice of these bytes.
    pub const fn new(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), length: bytes.len() }
    }

    /// Makes a slice of these bytes, or [`NULL`](Self::NULL).
    pub fn maybe(bytes: Option<&[u8]>) -> Self {
        bytes.map_or(Self::NULL, Self::new)
    }

    /// Returns the bytes; `None` for [`NULL`](Self::NULL).
    ///
    /// # Safety
    /// The bytes must be valid as long as they are used.
    pub unsafe fn get<'a>(self) -> Option<&'a [u8]> {
        (!self.data.is_null()).then(|| std::slice::from_raw_parts(self.data, self.length))
    }

    /// Returns the bytes; none for [`NULL`](Self::NULL).
    ///
    /// # Safety
    /// As for [`get`](Self::get).
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        self.get().unwrap_or_default()
    }

    /// Returns the bytes as text.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if they are not UTF-8.
    ///
    /// # Safety
    /// As for [`get`](Self::get).
    pub unsafe fn text<'a>(self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes())
            .map_err(|_| Error::invalid("plugin", "a text is not UTF-8"))
    }
}

/// Bytes whose ownership goes to the caller. The caller must free them with `release` and with
/// nothing else.
///
/// The caller passes a buffer that is all zeros.
#[repr(C)]
#[derive(Debug)]
pub struct Buffer {
    /// The first byte. NULL means "none".
    pub data: *mut u8,
    /// The number of bytes.
    pub length: usize,
    /// For the code that made the buffer.
    pub capacity: usize,
    /// Wipes the bytes and frees the memory where it was allocated. May be NULL if `data` is.
    pub release: Option<unsafe extern "C" fn(buffer: *mut Buffer)>,
}

impl Buffer {
    /// No buffer.
    pub const NULL: Self = Self { data: ptr::null_mut(), length: 0, capacity: 0, release: None };

    /// Makes a buffer that owns these bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        let mut bytes = std::mem::ManuallyDrop::new(bytes);
        Self {
            data: bytes.as_mut_ptr(),
            length: bytes.len(),
            capacity: bytes.capacity(),
            release: Some(release),
        }
    }

    /// Makes a buffer that owns this secret, without a copy.
    pub fn of_secret(secret: Secret) -> Self {
        Self::new(secret.into_bytes())
    }

    /// Copies the bytes, releases the buffer, which wipes it, and resets it; `None` if there are
    /// none.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if there are more bytes than `limit` or than the
    /// buffer's capacity: then they are not read.
    ///
    /// # Safety
    /// The buffer must come from a plugin or a host that follows the contract.
    pub unsafe fn take(&mut self, limit: usize) -> Result<Option<Secret>> {
        let taken = std::mem::replace(self, Self::NULL);
        if taken.data.is_null() {
            return Ok(None);
        }
        if taken.length > limit || taken.length > taken.capacity {
            // Such a buffer cannot be trusted, nor can its `release`.
            return Err(Error::corrupt("plugin").because("the plugin's answer is too large"));
        }
        let bytes = Secret::from(std::slice::from_raw_parts(taken.data, taken.length));
        let mut taken = taken;
        if let Some(release) = taken.release {
            release(&mut taken);
        }
        Ok(Some(bytes))
    }
}

unsafe extern "C" fn release(buffer: *mut Buffer) {
    let buffer = std::mem::replace(&mut *buffer, Buffer::NULL);
    if !buffer.data.is_null() {
        drop(Secret::new(Vec::from_raw_parts(buffer.data, buffer.length, buffer.capacity)));
    }
}

/// Up to 64 bytes: a revision, or the id of a key.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Short {
    /// The number of bytes.
    pub length: u32,
    /// Whether there is a value: 0 or 1.
    pub present: u32,
    /// The bytes.
    pub bytes: [u8; 64],
}

impl Short {
    /// No value.
    pub const NULL: Self = Self { length: 0, present: 0, bytes: [0; 64] };

    /// Makes a value of these bytes. There must be at most 64.
    pub fn new(bytes: &[u8]) -> Self {
        let mut short = Self { length: bytes.len() as u32, present: 1, ..Self::NULL };
        short.bytes[..bytes.len()].copy_from_slice(bytes);
        short
    }

    /// Returns the bytes, if there is a value.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if the length is more than 64.
    pub fn get(&self) -> Result<Option<&[u8]>> {
        if self.present == 0 {
            return Ok(None);
        }
        let bytes = self.bytes.get(..self.length as usize);
        bytes.map(Some).ok_or_else(|| Error::corrupt("plugin").because("an id is too long"))
    }

    /// Makes the value of a revision.
    pub fn of_revision(revision: &Revision) -> Self {
        Self::new(revision.as_bytes())
    }

    /// Returns the revision, if there is one.
    ///
    /// # Errors
    /// Those of [`get`](Self::get).
    pub fn revision(&self) -> Result<Option<Revision>> {
        self.get()?.map(Revision::new).transpose()
    }

    /// Returns the id of a key, if there is one.
    ///
    /// # Errors
    /// Those of [`get`](Self::get).
    pub fn key_id(&self) -> Result<Option<KeyId>> {
        self.get()?.map(KeyId::new).transpose()
    }
}

/// Why a call failed. The caller passes one that is all zeros except for its size.
#[repr(C)]
#[derive(Debug)]
pub struct Failure {
    /// The size of this table, in bytes.
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// The operation that failed: `get`.
    pub operation: Buffer,
    /// The backend in which it happened, if that is another one.
    pub backend: Buffer,
    /// The reason, in lower case and without a full stop.
    pub message: Buffer,
    /// What the user can do about it.
    pub hint: Buffer,
    /// The underlying errors, one in each line.
    pub cause: Buffer,
}

/// Which certificates TLS trusts, and which proxies to use. The caller passes one that is all zeros
/// except for its size.
#[repr(C)]
#[derive(Debug)]
pub struct Network {
    /// The size of this table, in bytes.
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// The absolute paths of files of certificates in PEM form, one in each line.
    pub root_files: Buffer,
    /// The absolute paths of folders of such files, one in each line.
    pub root_folders: Buffer,
    /// The URL of the proxy for `https`. It may contain a password.
    pub https_proxy: Buffer,
    /// The URL of the proxy for `http`.
    pub http_proxy: Buffer,
    /// The URL of the proxy for `https` and `http` if they have none, and for all other schemes.
    pub all_proxy: Buffer,
    /// The hosts that are reached without a proxy, as in the variable `no_proxy`.
    pub no_proxy: Buffer,
}

/// Identifies an entry. Both texts are UTF-8 in Unicode normalization form C (NFC).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct EntryName {
    /// The user that the entry belongs to; no bytes for an entry that the store keeps for itself.
    pub user: Slice,
    /// The name of the entry; no bytes for the one without a name.
    pub name: Slice,
}

impl EntryName {
    /// Makes the parts of an id.
    pub fn new(id: &EntryId) -> Self {
        Self {
            user: Slice::new(id.user().as_bytes()),
            name: Slice::new(id.name_or_empty().as_bytes()),
        }
    }

    /// Makes the id.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if an entry cannot have these parts.
    ///
    /// # Safety
    /// The texts must be valid during the call.
    pub unsafe fn id(self) -> Result<EntryId> {
        EntryId::restore(self.user.text()?, self.name.text()?)
    }
}

/// The condition on an entry for a change to happen.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Expectation {
    /// 0: none. 1: it does not exist. 2: it exists and has this revision.
    pub kind: u32,
    /// Zero.
    pub reserved: u32,
    /// The revision.
    pub revision: Short,
}

impl From<&Expect> for Expectation {
    fn from(expect: &Expect) -> Self {
        let of = |kind, revision| Self { kind, reserved: 0, revision };
        match expect {
            Expect::Any => of(0, Short::NULL),
            Expect::Absent => of(1, Short::NULL),
            Expect::Revision(revision) => of(2, Short::of_revision(revision)),
            // No plugin accepts the number of a condition that it does not know.
            _ => of(u32::MAX, Short::NULL),
        }
    }
}

impl TryFrom<&Expectation> for Expect {
    type Error = Error;

    fn try_from(table: &Expectation) -> Result<Self> {
        match (table.kind, table.revision.revision()?) {
            (0, _) => Ok(Self::Any),
            (1, _) => Ok(Self::Absent),
            (2, Some(revision)) => Ok(Self::Revision(revision)),
            _ => Err(Error::invalid("plugin", "the condition is not valid")),
        }
    }
}

/// How to keep a blob.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PutOptions {
    /// The size of this table, in bytes.
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// When the storage may forget the entry, if it can, in seconds since 1970; [`NONE`] for never.
    pub expires: u64,
    /// The condition on the entry.
    pub expect: Expectation,
}

impl From<&Put> for PutOptions {
    fn from(put: &Put) -> Self {
        Self {
            size: size_of::<Self>() as u32,
            reserved: 0,
            expires: put.expires.map_or(NONE, Timestamp::as_unix),
            expect: Expectation::from(&put.expect),
        }
    }
}

impl TryFrom<&PutOptions> for Put {
    type Error = Error;

    fn try_from(table: &PutOptions) -> Result<Self> {
        let expires = (table.expires != NONE).then(|| Timestamp::from_unix(table.expires));
        Ok(Self::expecting(Expect::try_from(&table.expect)?).expiring(expires))
    }
}

/// One of many changes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// 0: keep the blob. 1: remove the entry.
    pub kind: u32,
    /// Zero.
    pub reserved: u32,
    /// The entry.
    pub entry: EntryName,
    /// The blob; none for a removal.
    pub blob: Slice,
    /// How to keep the blob; for a removal only the condition counts.
    pub put: PutOptions,
}

/// Which entries to list.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// The size of this table, in bytes.
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// Only entries of this user; NULL for the entries of all users.
    pub user: Slice,
    /// Only entries whose name starts with this.
    pub prefix: Slice,
    /// Where the last page ended; NULL for the first one.
    pub cursor: Slice,
    /// The greatest number of entries on this page.
    pub limit: u64,
}

/// The function to which a storage passes each entry of a page.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct EntrySink {
    /// The first argument of `take`.
    pub context: *mut c_void,
    /// Takes an entry. If it returns another number than 0, the list ends with that status.
    pub take: Option<unsafe extern "C" fn(context: *mut c_void, entry: EntryName) -> i32>,
}

/// The function to which a storage passes what an entry holds.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct StoredSink {
    /// The first argument of `take`.
    pub context: *mut c_void,
    /// Takes the status of one entry: its blob and revision, or its failure, which may be NULL. If
    /// it returns another number than 0, `get_many` ends with that status.
    pub take: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            status: i32,
            blob: Slice,
            revision: *const Short,
            failure: *mut Failure,
        ) -> i32,
    >,
}

/// What a blob is sealed for.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SealContext {
    /// The size of this table, in bytes.
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// The store: 16 bytes.
    pub store: *const u8,
    /// The entry.
    pub entry: EntryName,
    /// The id of the key that the store passes; NULL if it passes none.
    pub key_id: Slice,
    /// That key: 32 bytes.
    pub key: Slice,
    /// 32 new random bytes for this seal.
    pub salt: *const u8,
    /// 32 bytes: SHA-256 of the associated data and the entry.
    pub binding: *const u8,
    /// Bytes to authenticate together with the content.
    pub associated_data: Slice,
}

impl SealContext {
    /// Makes this context's form for a plugin.
    pub fn new(context: &Context<'_>) -> Self {
        let key = context.key;
        Self {
            size: size_of::<Self>() as u32,
            reserved: 0,
            store: context.store.0.as_ptr(),
            entry: EntryName::new(context.entry),
            key_id: Slice::maybe(key.map(|key| key.id.as_bytes())),
            key: Slice::maybe(key.map(|key| key.key.expose())),
            salt: context.salt.as_ptr(),
            binding: context.binding.as_ptr(),
            associated_data: Slice::new(context.associated_data),
        }
    }

    /// Does `work` in this context.
    ///
    /// # Errors
    /// Those of the work; [`Invalid`](crate::ErrorKind::Invalid) for a context that is not valid.
    ///
    /// # Safety
    /// Everything that it points to must be valid during the call.
    pub unsafe fn with<T>(&self, work: impl FnOnce(&Context<'_>) -> Result<T>) -> Result<T> {
        let entry = self.entry.id()?;
        let key = match (self.key_id.get(), self.key.get()) {
            (Some(id), Some(key)) => Some(StoreKey::new(KeyId::new(id)?, Secret::from(key))),
            _ => None,
        };
        let context = Context::new(StoreId(*self.store.cast()), &entry)
            .with_key(key.as_ref())
            .with_salt(&*self.salt.cast())
            .with_binding(self.associated_data.bytes(), &*self.binding.cast());
        work(&context)
    }
}

/// Converts a duration to milliseconds, the form in which calls pass it.
pub fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(NONE)
}

/// Converts back the duration that [`milliseconds`] converted.
pub fn duration(milliseconds: u64) -> Duration {
    if milliseconds == NONE { Duration::MAX } else { Duration::from_millis(milliseconds) }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    use super::*;

    const LENGTH: usize = 400;

    /// Returns how many bytes of a canary are left in memory after `free`.
    fn left(free: impl FnOnce(Vec<u8>)) -> usize {
        let canary: Vec<u8> = (1..=LENGTH).map(|i| (i % 250) as u8 + 1).collect();
        let (mut now, expected) = ([0; LENGTH], canary.clone());
        let memory = File::open("/proc/self/mem").expect("a process can read its memory");
        let place = canary.as_ptr() as u64;
        free(canary);
        memory.read_exact_at(&mut now, place).expect("as above");
        now.iter().zip(expected).filter(|(now, expected)| *now == expected).count()
    }

    /// The allocator writes a few words into freed memory.
    const FEW: usize = 32;

    #[test]
    fn memory_that_is_not_wiped_is_found() {
        assert!(left(drop) >= LENGTH - FEW, "the test below would pass without wiping");
    }

    #[test]
    fn a_released_buffer_is_gone_with_all_that_was_allocated() {
        let release = |mut canary: Vec<u8>| {
            canary.truncate(LENGTH / 2);
            let mut buffer = Buffer::new(canary);
            assert_eq!((buffer.length, buffer.capacity), (LENGTH / 2, LENGTH));
            // SAFETY: it is released once, by its own function.
            unsafe { buffer.release.unwrap()(&mut buffer) };
            assert!(buffer.data.is_null());
        };
        assert!(left(release) < FEW);
    }
}
