use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use keyward_core::{
    Change, EncryptionAbilities, EntryId, EntryLock, Error, ErrorKind, Guard, Keys, LockMode,
    MAX_BLOB, Page, Persistence, Query, Record, Result, Revision, Secret, Source, Storage,
    StorageAbilities, StoreId, Stored, Timestamp,
};

use crate::keyset::CachedKeyset;
use crate::owner::{foreign_record, owner};
use crate::parts::Parts;

/// How long a writer waits for the store's lock.
pub(crate) const WAIT: Duration = Duration::from_secs(30);

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
            let persistence = parts.storage.backend.abilities().persistence;
            if persistence == Persistence::Cache {
                return unsupported(
                    "this encryption keeps its keys in the storage, where they may vanish at any time",
                );
            }
            let lasts = persistence > Persistence::Process;
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
    pub(crate) fn read(&self, id: &EntryId) -> Result<(Stored, Result<Record>)> {
        let stored = self.check_miss(self.storage()?.get(id))?;
        self.open_stored(id, stored)
    }

    /// Opens a blob that was read, or the one that replaced it meanwhile.
    pub(crate) fn open_stored(
        &self,
        id: &EntryId,
        stored: Stored,
    ) -> Result<(Stored, Result<Record>)> {
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

    /// Locks out rotation while an entry is written.
    ///
    /// The keyset is read again after the lock was taken, so that no retired key is used.
    pub(crate) fn writing(&self) -> Result<Option<Box<dyn Guard>>> {
        self.writing_within(WAIT)
    }

    /// Does the same as [`writing`](Self::writing), but waits at most this long.
    pub(crate) fn writing_within(&self, wait: Duration) -> Result<Option<Box<dyn Guard>>> {
        if self.parts.encryption.backend.abilities().keys != Keys::Store {
            return Ok(None);
        }
        let guard = self.lock_named(&store_lock(), LockMode::Shared, wait)?;
        self.forget_keyset()?;
        Ok(guard)
    }

    /// Returns the storage for the next call, unless the time of the operation is over.
    pub(crate) fn storage(&self) -> Result<&dyn Storage> {
        self.check_time()?;
        Ok(&*self.parts.storage.backend)
    }

    /// Checks that the time of the operation is not over.
    ///
    /// An operation makes several calls, or tries again. A single call of a linked storage cannot be
    /// interrupted; this ends the operation after it.
    pub(crate) fn check_time(&self) -> Result<()> {
        if self.parts.host.remaining().is_some_and(|left| left.is_zero()) {
            let why = "the time for the operation is over";
            let error = Error::new(ErrorKind::Unavailable, "open").because(why);
            return Err(error.in_backend(&self.parts.storage.name));
        }
        Ok(())
    }

    /// Takes the store's lock, if its storage has locks.
    pub(crate) fn lock_store(&self, mode: LockMode) -> Result<Option<Box<dyn Guard>>> {
        self.lock_named(&store_lock(), mode, WAIT)
    }

    /// Takes the storage's lock of this name, if the storage has locks.
    pub(crate) fn lock_named(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
    ) -> Result<Option<Box<dyn Guard>>> {
        let Some(locks) = self.storage()?.abilities().locks else { return Ok(None) };
        let wait = self.parts.host.remaining().map_or(wait, |left| left.min(wait));
        self.in_storage(locks.lock(id, mode, wait, WAIT)).map(Some)
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
    pub(crate) fn check_miss<T>(&self, result: Result<T>) -> Result<T> {
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

/// The name of the store's lock.
fn store_lock() -> EntryId {
    EntryId::reserved("store")
}

impl Source for Store {
    fn get(&self, id: &EntryId) -> Result<Record> {
        self.get(id)
    }

    fn get_many(&self, ids: &[EntryId]) -> Result<Vec<Result<Record>>> {
        self.get_many(ids)
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

    fn lock(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
    ) -> Result<Box<dyn EntryLock + '_>> {
        Ok(Box::new(self.lock(id, mode, wait)?))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("parts", &self.parts).finish_non_exhaustive()
    }
}
