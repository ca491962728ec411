use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward_core::{
    Change, Encryption, EncryptionAbilities, EntryId, Error, ErrorKind, Expect, Guard, Host, Key,
    Keys, LockMode, MAX_BLOB, Page, Persistence, Put, Query, Record, Result, Revision, Secret,
    Serializer, Source, Storage, StorageAbilities, StoreId, Stored, Timestamp,
};

use crate::envelope::Envelope;
use crate::keyset::Keyset;
use crate::owner::{foreign_record, owner};

/// How long a writer waits for the store's lock.
const WAIT: Duration = Duration::from_secs(30);

/// How many times [`Store::update`] tries again if other processes keep changing the entry.
const ATTEMPTS: u32 = 100;

/// A backend and the name by which it was requested.
pub struct Named<T> {
    /// The name in envelopes and errors.
    pub name: String,
    /// The backend.
    pub backend: T,
}

impl<T> Named<T> {
    /// Makes a backend with this name.
    pub fn new(name: impl Into<String>, backend: T) -> Self {
        Self { name: name.into(), backend }
    }

    /// Returns the error of a call that looks up no entry: it names the backend and is never a
    /// miss.
    pub(crate) fn failed(&self, error: Error) -> Error {
        error.not_a_miss().in_backend(&self.name)
    }
}

impl<T> fmt::Debug for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The parts of a store.
#[derive(Debug)]
pub struct Parts {
    /// The id of the store, which does not depend on its name.
    pub id: StoreId,
    /// The backend that turns records into bytes.
    pub serializer: Named<Box<dyn Serializer>>,
    /// The backend that turns bytes into blobs.
    pub encryption: Named<Box<dyn Encryption>>,
    /// The backend that keeps the blobs.
    pub storage: Named<Box<dyn Storage>>,
    /// The key source that wraps the keyset, for encryptions that use the store's keys.
    pub key: Option<Named<Box<dyn Key>>>,
    /// Whether blobs are in envelopes. Without envelopes, other programs can read the blobs, and
    /// nothing binds a blob to its entry.
    pub envelope: bool,
    /// The host, through which backends reach everything outside.
    pub host: Arc<dyn Host>,
}

/// Named credentials of users, stored with one serializer, one encryption and one storage.
///
/// # Contract
/// - [`get`](Self::get) returns what [`put`](Self::put) stored, or an error: never another entry's
///   record, and never an altered one if the encryption can detect that.
/// - When a change returns, it is durable as far as the storage's abilities promise. When it fails,
///   the old record remains, unless the error says that the new one is there but may not survive a
///   power cut.
///
/// # Errors
/// Of all operations, besides the storage's errors:
/// - [`Corrupt`](ErrorKind::Corrupt): the blob was altered, or belongs to another entry or store.
/// - [`NoKey`](ErrorKind::NoKey): the key that would open it is missing.
///
/// # Security
/// With a symmetric encryption a record is bound to its entry and authentic. With age recipients it
/// is bound: anyone who knows a recipient can write a record that opens. With `clear`, accidental
/// damage is detected, and anyone who can write to the storage can forge records. An older version
/// of a record is not detected: a restored backup opens.
pub struct Store {
    pub(crate) parts: Parts,
    pub(crate) keyset: Mutex<Option<CachedKeyset>>,
    /// A keyset that was read to check that the storage belongs to the store, and that was not used
    /// yet.
    pub(crate) unused_keyset: Mutex<Option<Vec<u8>>>,
    /// The key that wraps the keyset, after it was loaded, with the parameters for loading it.
    pub(crate) wrapping: Mutex<Option<(Vec<u8>, Secret)>>,
}

#[expect(
    clippy::missing_errors_doc,
    reason = "the page of the type lists the errors of all of them"
)]
impl Store {
    /// Assembles a store. It does not read or create anything yet.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if the parts cannot be combined.
    pub fn open(parts: Parts) -> Result<Self> {
        let abilities = parts.encryption.backend.abilities();
        let unsupported = |why: &str| Err(Error::new(ErrorKind::Unsupported, "open").because(why));
        if abilities.keys == Keys::Store {
            if !parts.envelope {
                return unsupported("this encryption needs the envelope");
            }
            if !(abilities.binds_context && abilities.authenticates) {
                return unsupported(
                    "an encryption that uses the store's keys must bind and authenticate",
                );
            }
            let lasts = parts.storage.backend.abilities().persistence > Persistence::Process;
            if parts.key.is_none() && lasts {
                return unsupported("this encryption needs a key source");
            }
        }
        Ok(Self {
            parts,
            keyset: Mutex::new(None),
            unused_keyset: Mutex::new(None),
            wrapping: Mutex::new(None),
        })
    }

    /// Returns the id of the store.
    pub fn id(&self) -> StoreId {
        self.parts.id
    }

    /// Returns the current time, by which callers date records.
    pub fn now(&self) -> Timestamp {
        self.parts.host.now()
    }

    /// Returns the abilities of its storage.
    pub fn storage_abilities(&self) -> StorageAbilities<'_> {
        self.parts.storage.backend.abilities()
    }

    /// Returns the abilities of its encryption.
    pub fn encryption_abilities(&self) -> EncryptionAbilities {
        self.parts.encryption.backend.abilities()
    }

    /// Returns the record of this entry.
    pub fn get(&self, id: &EntryId) -> Result<Record> {
        self.read(id)?.1
    }

    /// Returns the record of this entry, and the revision that a later change may expect.
    pub fn get_with_revision(&self, id: &EntryId) -> Result<(Record, Revision)> {
        let (stored, record) = self.read(id)?;
        Ok((record?, stored.revision()))
    }

    /// Returns the blob of this entry, and its record if the blob opens.
    fn read(&self, id: &EntryId) -> Result<(Stored, Result<Record>)> {
        let stored = self.check_miss(self.storage()?.get(id))?;
        match self.unseal(id, &stored.blob) {
            // After the blob was read, a rotation may have sealed the record with a new key and
            // deleted the old one.
            Err(error) if error.kind() == ErrorKind::NoKey => {
                let again = self.check_miss(self.storage()?.get(id))?;
                if again.revision() == stored.revision() {
                    return Ok((stored, Err(error)));
                }
                let record = self.unseal(id, &again.blob);
                Ok((again, record))
            }
            record => Ok((stored, record)),
        }
    }

    /// Whether the entry exists, even if it does not open.
    pub fn contains(&self, id: &EntryId) -> Result<bool> {
        match self.check_miss(self.storage()?.get(id)) {
            Err(error) if error.is_miss() => Ok(false),
            Err(error) => Err(error),
            Ok(stored) => self.check_owner(&stored.blob).map(|()| true),
        }
    }

    /// Stores the record in this entry, if the expectation is met.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if it is not met; then nothing changes.
    pub fn put(&self, id: &EntryId, record: &Record, expect: Expect) -> Result<Revision> {
        let _writing = self.writing()?;
        let generation = match self.storage()?.get(id) {
            Ok(old) => self.check_replaceable(&old.blob)?,
            Err(error) if error.is_miss() || error.kind() == ErrorKind::Corrupt => {
                self.check_present()?;
                0
            }
            Err(error) => return self.in_storage(Err(error)),
        };
        self.seal_and_put(id, record, generation, expect)
    }

    /// Changes the record of this entry, and tries again if another process changed it meanwhile.
    ///
    /// `change` gets the current record, or `None`, and returns what to do.
    ///
    /// # Errors
    /// Those of `change`; [`Conflict`](ErrorKind::Conflict) if other processes keep changing the
    /// entry.
    pub fn update(
        &self,
        id: &EntryId,
        change: impl FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        self.change(id, Unopened::Fail, change)
    }

    /// Changes the record of this entry as [`update`](Self::update) does, or replaces one that does
    /// not open: `change` gets `None` for it.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn update_or_replace(
        &self,
        id: &EntryId,
        change: impl FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        self.change(id, Unopened::Replace, change)
    }

    fn change(
        &self,
        id: &EntryId,
        unopened: Unopened,
        mut change: impl FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        for attempt in 0.. {
            let Old { record, generation, expect } = self.read_for_change(id, unopened)?;
            let result = match change(record)? {
                Change::Put(record) => self
                    .writing()
                    .and_then(|_writing| self.seal_and_put(id, &record, generation, expect))
                    .map(drop),
                Change::Remove if expect != Expect::Absent => {
                    self.check_miss(self.storage()?.delete(id, &expect))
                }
                Change::Leave | Change::Remove => Ok(()),
            };
            match result {
                Err(error) if is_race(&error) && attempt < ATTEMPTS => {}
                result => return result,
            }
        }
        unreachable!("the last attempt returns")
    }

    /// Reads an entry before a change.
    fn read_for_change(&self, id: &EntryId, unopened: Unopened) -> Result<Old> {
        let replaces = unopened == Unopened::Replace;
        let (stored, record) = match self.read(id) {
            Ok(read) => read,
            Err(error) if error.is_miss() => {
                return Ok(Old { record: None, generation: 0, expect: Expect::Absent });
            }
            // The storage gives no revision for a blob that it cannot read.
            Err(error) if replaces && error.kind() == ErrorKind::Corrupt => {
                self.check_present()?;
                return Ok(Old { record: None, generation: 0, expect: Expect::Any });
            }
            Err(error) => return Err(error),
        };
        let record = match record {
            Err(error) if replaces && does_not_open(&error) => None,
            record => Some(record?),
        };
        let generation = self.check_replaceable(&stored.blob)?;
        Ok(Old { record, generation, expect: Expect::Revision(stored.revision()) })
    }

    /// Checks that a blob may be replaced or removed, and returns its generation, or 0 if it has
    /// none.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if the blob, or the storage that it is in, belongs to another
    /// store.
    fn check_replaceable(&self, blob: &[u8]) -> Result<u64> {
        self.check_owner(blob)?;
        match Envelope::parse(blob) {
            Ok(envelope) => Ok(envelope.header.generation),
            // A blob without a header does not name its store; the storage does.
            Err(_) => self.check_present().map(|()| 0),
        }
    }

    /// Seals the record as the generation after `generation` and writes it to the storage. The
    /// caller holds the [`writing`](Self::writing) lock.
    fn seal_and_put(
        &self,
        id: &EntryId,
        record: &Record,
        generation: u64,
        expect: Expect,
    ) -> Result<Revision> {
        let blob = self.seal(id, record, generation.saturating_add(1))?;
        let put = Put { expect, expires: record.expires };
        self.put_blob(id, &blob, &put)
    }

    /// Removes the entry.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        match self.storage()?.get(id) {
            Ok(old) => drop(self.check_replaceable(&old.blob)?),
            // An entry that cannot be read can still be removed.
            Err(_) => self.check_present()?,
        }
        self.check_miss(self.storage()?.delete(id, expect))
    }

    /// Returns one page of the entries, without opening any. A page may be empty even if there are
    /// more.
    pub fn list(&self, query: &Query<'_>) -> Result<Page> {
        if !self.parts.storage.backend.abilities().lists {
            return Err(Error::new(ErrorKind::Unsupported, "list")
                .because(format!("the storage {} cannot list", self.parts.storage.name)));
        }
        let mut page = self.in_storage(self.storage()?.list(query))?;
        if query.cursor.is_none() {
            self.check_present()?;
        }
        page.entries.retain(|id| !id.is_reserved());
        Ok(page)
    }

    /// Returns all entries of one user or of all users, page by page.
    pub fn entries<'a>(&'a self, user: Option<&'a str>) -> Entries<'a> {
        let query = Query { user, ..Query::default() };
        Entries { store: self, query, page: Vec::new().into_iter(), reserved: false, done: false }
    }

    /// Returns all entries that the storage can list, including the reserved ones.
    pub(crate) fn all_entries(&self) -> Entries<'_> {
        let done = !self.parts.storage.backend.abilities().lists;
        Entries { reserved: true, done, ..self.entries(None) }
    }

    /// Locks out rotation while an entry is written.
    ///
    /// The keyset is read again after the lock was taken, so that no retired key is used.
    pub(crate) fn writing(&self) -> Result<Option<Box<dyn Guard>>> {
        if self.parts.encryption.backend.abilities().keys != Keys::Store {
            return Ok(None);
        }
        let guard = self.lock(LockMode::Shared)?;
        self.forget_keyset()?;
        Ok(guard)
    }

    /// Returns the storage for the next call, unless the time of the operation is over.
    ///
    /// An operation makes several calls, or tries again. A single call of a linked storage cannot be
    /// interrupted; this ends the operation after it.
    pub(crate) fn storage(&self) -> Result<&dyn Storage> {
        if self.parts.host.remaining().is_some_and(|left| left.is_zero()) {
            let why = "the time for the operation is over";
            let error = Error::new(ErrorKind::Unavailable, "open").because(why);
            return Err(error.in_backend(&self.parts.storage.name));
        }
        Ok(&*self.parts.storage.backend)
    }

    /// Takes the store's lock, if its storage has locks.
    pub(crate) fn lock(&self, mode: LockMode) -> Result<Option<Box<dyn Guard>>> {
        let Some(locks) = self.parts.storage.backend.abilities().locks else { return Ok(None) };
        let wait = self.parts.host.remaining().map_or(WAIT, |left| left.min(WAIT));
        self.in_storage(locks.lock(&EntryId::reserved("store"), mode, wait, WAIT)).map(Some)
    }

    /// Checks that a blob does not belong to another store.
    ///
    /// # Errors
    /// `Corrupt` if the blob names another store.
    pub(crate) fn check_owner(&self, blob: &[u8]) -> Result<()> {
        match owner(blob) {
            Some(store) if store != self.parts.id => Err(foreign_record()),
            _ => Ok(()),
        }
    }

    pub(crate) fn put_blob(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        self.check_size(blob)?;
        self.in_storage(self.storage()?.put(id, blob, put))
    }

    /// Refuses a blob that is larger than the storage accepts.
    pub(crate) fn check_size(&self, blob: &[u8]) -> Result<()> {
        let largest =
            self.parts.storage.backend.abilities().largest.unwrap_or(MAX_BLOB).min(MAX_BLOB);
        if blob.len() <= largest {
            return Ok(());
        }
        let why = format!(
            "the sealed record has {} bytes, but the storage accepts at most {largest}",
            blob.len()
        );
        self.in_storage(Err(Error::new(ErrorKind::Unsupported, "put").because(why)))
    }

    /// Returns what the storage answered about an entry. A storage that is completely empty, such
    /// as a folder that is not mounted, must not count as one without this entry.
    fn check_miss<T>(&self, result: Result<T>) -> Result<T> {
        match result {
            Err(error) if error.is_miss() => {
                self.check_present()?;
                Err(error.in_backend(&self.parts.storage.name))
            }
            other => self.in_storage(other),
        }
    }

    /// Returns the result of a call of the storage that looks up no entry; an error names the
    /// storage.
    pub(crate) fn in_storage<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| self.parts.storage.failed(error))
    }
}

/// What a change does if the old record does not open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unopened {
    /// It returns an error.
    Fail,
    /// It replaces the record.
    Replace,
}

/// The state of an entry before a change.
struct Old {
    /// The record; `None` if there is no record, or it does not open.
    record: Option<Record>,
    generation: u64,
    /// What must still be true when the change is written.
    expect: Expect,
}

/// Whether a record exists but cannot be opened: it is damaged, or its key is missing.
fn does_not_open(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NoKey)
}

/// Whether another process changed or removed the entry first.
fn is_race(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict || error.is_miss()
}

impl Source for Store {
    fn get(&self, id: &EntryId) -> Result<Record> {
        self.get(id)
    }

    fn contains(&self, id: &EntryId) -> Result<bool> {
        self.contains(id)
    }

    fn update(
        &self,
        id: &EntryId,
        change: &mut dyn FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        self.update(id, change)
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        self.list(query)
    }
}

/// The keyset that was last read.
pub(crate) struct CachedKeyset {
    /// Its wrapped form in the storage; empty if it exists only in this process.
    pub(crate) blob: Vec<u8>,
    pub(crate) keyset: Arc<Keyset>,
    /// Whether it need not be read again.
    pub(crate) is_current: bool,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("parts", &self.parts).finish_non_exhaustive()
    }
}

/// The entries of a store, fetched page by page.
#[derive(Debug)]
pub struct Entries<'a> {
    store: &'a Store,
    query: Query<'a>,
    page: std::vec::IntoIter<EntryId>,
    reserved: bool,
    done: bool,
}

impl Iterator for Entries<'_> {
    type Item = Result<EntryId>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(id) = self.page.next() {
                return Some(Ok(id));
            }
            if self.done {
                return None;
            }
            let page = if self.reserved {
                let listed = self.store.storage().and_then(|storage| storage.list(&self.query));
                self.store.in_storage(listed)
            } else {
                self.store.list(&self.query)
            };
            match page {
                Ok(page) if page.next.is_some() && page.next == self.query.cursor => {
                    self.done = true;
                    let endless = Error::corrupt("list").because("its pages repeat");
                    return Some(self.store.in_storage(Err(endless)));
                }
                Ok(page) => {
                    self.page = page.entries.into_iter();
                    self.done = page.next.is_none();
                    self.query.cursor = page.next;
                }
                Err(error) => {
                    self.done = true;
                    return Some(Err(error));
                }
            }
        }
    }
}
