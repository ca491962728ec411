//! Changes entries.

use keyward_core::{Change, EntryId, Error, ErrorKind, Expect, Put, Record, Result, Revision};

use crate::envelope::Envelope;
use crate::store::Store;

/// How many times [`Store::update`] tries again if other processes keep changing the entry.
const ATTEMPTS: u32 = 100;

impl Store {
    /// Stores the record in this entry, if the expectation is met.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if it is not met; then nothing changes.
    pub fn put(&self, id: &EntryId, record: &Record, expect: Expect) -> Result<Revision> {
        let _writing = self.writing()?;
        if expect == Expect::Absent {
            // The storage checks that; an empty one may not be this store's.
            self.check_present()?;
            return self.seal_and_put(id, record, 0, expect);
        }
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
        self.change(id, Unopened::Fail, StoreLock::Take, change)
    }

    /// Changes the record of an entry as [`update`](Self::update) does, for a caller that holds the
    /// store's lock.
    pub(crate) fn update_under_lock(
        &self,
        id: &EntryId,
        change: impl FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        self.change(id, Unopened::Fail, StoreLock::IsHeld, change)
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
        self.change(id, Unopened::Replace, StoreLock::Take, change)
    }

    fn change(
        &self,
        id: &EntryId,
        unopened: Unopened,
        lock: StoreLock,
        mut change: impl FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        for attempt in 0.. {
            let Old { record, generation, expect } = self.read_for_change(id, unopened)?;
            let result = match change(record)? {
                Change::Put(record) => {
                    let _writing = match lock {
                        StoreLock::Take => self.writing()?,
                        StoreLock::IsHeld => None,
                    };
                    self.seal_and_put(id, &record, generation, expect).map(drop)
                }
                Change::Remove if expect != Expect::Absent => self.delete_blob(id, &expect),
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
        let put = Put::expecting(expect).expiring(record.expires);
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
        self.delete_blob(id, expect)
    }
}

/// Whether a change takes the store's lock when it writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StoreLock {
    Take,
    /// The caller holds it.
    IsHeld,
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
