use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward_core::{
    Change, Encryption, EncryptionAbilities, EntryId, Error, ErrorKind, Expect, Guard, Host, Key,
    Keys, LockMode, MAX_BLOB, Page, Persistence, Put, Query, Record, Result, Revision, Secret,
    Serializer, Source, Storage, StorageAbilities, StoreId, Stored,
};

use crate::envelope::Envelope;
use crate::keyset::Keyset;

/// How long a writer waits for the store's lock.
const WAIT: Duration = Duration::from_secs(30);

/// How often [`Store::update`] starts again when others keep changing the entry.
const ATTEMPTS: u32 = 100;

/// A backend and the name it was asked for by.
pub struct Named<T> {
    /// The name, as envelopes and errors give it.
    pub name: String,
    /// The backend.
    pub it: T,
}

impl<T> Named<T> {
    /// A backend of this name.
    pub fn new(name: impl Into<String>, it: T) -> Self {
        Self { name: name.into(), it }
    }

    /// The error of a call that looks up no entry: it names the backend and is never a miss.
    pub(crate) fn failed(&self, error: Error) -> Error {
        error.not_a_miss().in_backend(&self.name)
    }
}

impl<T> fmt::Debug for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// What a store is made of.
#[derive(Debug)]
pub struct Parts {
    /// Which store it is, whatever it is called.
    pub id: StoreId,
    /// Records to bytes.
    pub serializer: Named<Box<dyn Serializer>>,
    /// Bytes to blobs.
    pub encryption: Named<Box<dyn Encryption>>,
    /// Where the blobs are kept.
    pub storage: Named<Box<dyn Storage>>,
    /// What wraps the keyset, for encryptions that are handed their keys.
    pub key: Option<Named<Box<dyn Key>>>,
    /// Whether blobs are in envelopes. Without one, other programs can read them, and nothing
    /// ties them to their place.
    pub envelope: bool,
    /// The way to everything outside.
    pub host: Arc<dyn Host>,
}

/// Named credentials of users, kept by one serializer, one encryption and one storage.
///
/// # Contract
/// - What [`put`](Self::put) kept, [`get`](Self::get) gives, or it is an error: never another
///   entry's record, never an altered one where the encryption can tell.
/// - When a change returns, it is durable as far as the storage's abilities promise; when it
///   fails, the old record remains, unless the error says that the new one is there but may not
///   survive a power cut.
///
/// # Errors
/// Of all operations, beside the storage's own:
/// - [`Corrupt`](ErrorKind::Corrupt): the blob was altered, or belongs to another place.
/// - [`NoKey`](ErrorKind::NoKey): the key that would open it is not there.
///
/// # Security
/// With a symmetric encryption a record is bound to its place and authentic. With age
/// recipients it is bound: anyone who knows a recipient can write a record that opens. Under
/// `clear` accidents are detected, and anyone who can write can forge. A whole older state of a
/// record is not detected: a restored backup opens.
pub struct Store {
    pub(crate) parts: Parts,
    pub(crate) keyset: Mutex<Option<Known>>,
    /// A keyset that was read to see whether the storage is the store's, and not yet used.
    pub(crate) seen: Mutex<Option<Vec<u8>>>,
    /// What wraps the keyset, once loaded, with the parameters it was loaded by.
    pub(crate) wrapping: Mutex<Option<(Vec<u8>, Secret)>>,
}

#[expect(clippy::missing_errors_doc, reason = "the type's own page says it for all of them")]
impl Store {
    /// Puts a store together. Nothing is read or made yet.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if the parts do not go together.
    pub fn open(parts: Parts) -> Result<Self> {
        let abilities = parts.encryption.it.abilities();
        let unsupported = |why: &str| Err(Error::new(ErrorKind::Unsupported, "open").because(why));
        if abilities.keys == Keys::Store {
            if !parts.envelope {
                return unsupported("this encryption needs the envelope");
            }
            if !(abilities.binds_context && abilities.authenticates) {
                return unsupported(
                    "an encryption that is handed its keys must bind and authenticate",
                );
            }
            let lasts = parts.storage.it.abilities().persistence > Persistence::Process;
            if parts.key.is_none() && lasts {
                return unsupported("this encryption needs a key source");
            }
        }
        Ok(Self {
            parts,
            keyset: Mutex::new(None),
            seen: Mutex::new(None),
            wrapping: Mutex::new(None),
        })
    }

    /// Which store it is.
    pub fn id(&self) -> StoreId {
        self.parts.id
    }

    /// What its storage can do.
    pub fn storage_abilities(&self) -> StorageAbilities<'_> {
        self.parts.storage.it.abilities()
    }

    /// What its encryption can do.
    pub fn encryption_abilities(&self) -> EncryptionAbilities {
        self.parts.encryption.it.abilities()
    }

    /// The record of this entry.
    pub fn get(&self, id: &EntryId) -> Result<Record> {
        self.read(id)?.1
    }

    /// The record of this entry, and the revision that a later change may expect.
    pub fn get_with_revision(&self, id: &EntryId) -> Result<(Record, Revision)> {
        let (stored, record) = self.read(id)?;
        Ok((record?, stored.revision()))
    }

    /// The blob of this entry, and the record in it, if that opens.
    fn read(&self, id: &EntryId) -> Result<(Stored, Result<Record>)> {
        let stored = self.found(self.parts.storage.it.get(id))?;
        match self.unseal(id, &stored.blob) {
            // A rotation may have sealed the record under a new key, and the old key may have been
            // dropped, since the blob was read.
            Err(error) if error.kind() == ErrorKind::NoKey => {
                let again = self.found(self.parts.storage.it.get(id))?;
                if again.revision() == stored.revision() {
                    return Ok((stored, Err(error)));
                }
                let record = self.unseal(id, &again.blob);
                Ok((again, record))
            }
            record => Ok((stored, record)),
        }
    }

    /// Whether the entry is there, opened or not.
    pub fn contains(&self, id: &EntryId) -> Result<bool> {
        match self.found(self.parts.storage.it.get(id)) {
            Err(error) if error.is_miss() => Ok(false),
            Err(error) => Err(error),
            Ok(stored) => self.check_owner(&stored.blob).map(|()| true),
        }
    }

    /// Keeps the record under this entry, if the expectation holds.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if it does not hold; then nothing changes.
    pub fn put(&self, id: &EntryId, record: &Record, expect: Expect) -> Result<Revision> {
        let _writing = self.writing()?;
        let generation = match self.parts.storage.it.get(id) {
            Ok(old) => self.check_replaceable(&old.blob)?,
            Err(error) if error.is_miss() || error.kind() == ErrorKind::Corrupt => {
                self.check_present()?;
                0
            }
            Err(error) => return self.in_storage(Err(error)),
        };
        self.seal_and_put(id, record, generation, expect)
    }

    /// Changes the record of this entry, again if somebody else changed it meanwhile.
    ///
    /// `change` is handed the record as it is, or `None`, and says what becomes of it.
    ///
    /// # Errors
    /// Those of `change`; [`Conflict`](ErrorKind::Conflict) if others change it all the time.
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
                    self.found(self.parts.storage.it.delete(id, &expect))
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
            // A blob without a header does not say which store it belongs to; the storage does.
            Err(_) => self.check_present().map(|()| 0),
        }
    }

    /// Seals the record as the generation after `generation` and puts it into the storage. The
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
        match self.parts.storage.it.get(id) {
            Ok(old) => drop(self.check_replaceable(&old.blob)?),
            // An entry that cannot be read can still be removed.
            Err(_) => self.check_present()?,
        }
        self.found(self.parts.storage.it.delete(id, expect))
    }

    /// Some of the entries, without opening any. A page may be empty though there are more.
    pub fn list(&self, query: &Query<'_>) -> Result<Page> {
        if !self.parts.storage.it.abilities().lists {
            return Err(Error::new(ErrorKind::Unsupported, "list")
                .because(format!("the storage {} cannot list", self.parts.storage.name)));
        }
        let mut page = self.in_storage(self.parts.storage.it.list(query))?;
        if query.cursor.is_none() {
            self.check_present()?;
        }
        page.entries.retain(|id| !id.is_reserved());
        Ok(page)
    }

    /// All entries, page by page, of one user or of all.
    pub fn entries<'a>(&'a self, user: Option<&'a str>) -> Entries<'a> {
        let query = Query { user, ..Query::default() };
        Entries { store: self, query, page: Vec::new().into_iter(), reserved: false, done: false }
    }

    /// All that the storage can list, the reserved entries too.
    pub(crate) fn everything(&self) -> Entries<'_> {
        let done = !self.parts.storage.it.abilities().lists;
        Entries { reserved: true, done, ..self.entries(None) }
    }

    /// Holds the store against rotation while an entry is written.
    ///
    /// The keyset is read again under the lock, so that no key is used that was retired.
    pub(crate) fn writing(&self) -> Result<Option<Box<dyn Guard>>> {
        if self.parts.encryption.it.abilities().keys != Keys::Store {
            return Ok(None);
        }
        let guard = self.lock(LockMode::Shared)?;
        self.forget_keyset()?;
        Ok(guard)
    }

    /// Takes the store's lock, where its storage has locks.
    pub(crate) fn lock(&self, mode: LockMode) -> Result<Option<Box<dyn Guard>>> {
        let Some(locks) = self.parts.storage.it.abilities().locks else { return Ok(None) };
        let wait = self.parts.host.remaining().map_or(WAIT, |left| left.min(WAIT));
        self.in_storage(locks.lock(&EntryId::reserved("store"), mode, wait, WAIT)).map(Some)
    }

    pub(crate) fn put_blob(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        self.check_size(blob)?;
        self.in_storage(self.parts.storage.it.put(id, blob, put))
    }

    /// Refuses what is larger than the storage takes.
    pub(crate) fn check_size(&self, blob: &[u8]) -> Result<()> {
        let largest = self.parts.storage.it.abilities().largest.unwrap_or(MAX_BLOB).min(MAX_BLOB);
        if blob.len() <= largest {
            return Ok(());
        }
        let why =
            format!("the sealed record takes {} bytes, and {largest} are the most", blob.len());
        self.in_storage(Err(Error::new(ErrorKind::Unsupported, "put").because(why)))
    }

    /// What the storage answered about an entry. A storage in which nothing is at all, such as a
    /// folder that is not mounted, must not pass for one without this entry.
    fn found<T>(&self, result: Result<T>) -> Result<T> {
        match result {
            Err(error) if error.is_miss() => {
                self.check_present()?;
                Err(error.in_backend(&self.parts.storage.name))
            }
            other => self.in_storage(other),
        }
    }

    /// The result of a call of the storage that looks up no entry; an error names the storage.
    pub(crate) fn in_storage<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| self.parts.storage.failed(error))
    }
}

/// What a change does if the old record does not open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unopened {
    /// It fails.
    Fail,
    /// It replaces the record.
    Replace,
}

/// An entry as it is before a change.
struct Old {
    /// The record; `None` if there is none, or none that opens.
    record: Option<Record>,
    generation: u64,
    /// What must still hold when the change is written.
    expect: Expect,
}

/// Whether a record is there and cannot be opened: it is damaged, or its key is not there.
fn does_not_open(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NoKey)
}

/// Whether somebody else changed or removed the entry first.
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

/// The keyset as it was last read.
pub(crate) struct Known {
    /// How it lay in the storage, wrapped; empty where it lives in this process alone.
    pub(crate) blob: Vec<u8>,
    pub(crate) keyset: Arc<Keyset>,
    /// Whether it need not be looked at again.
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
                self.store.in_storage(self.store.parts.storage.it.list(&self.query))
            } else {
                self.store.list(&self.query)
            };
            match page {
                Ok(page) if page.next.is_some() && page.next == self.query.cursor => {
                    self.done = true;
                    let endless = Error::corrupt("list").because("its pages do not go on");
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
