use std::fmt::Debug;
use std::time::Duration;

use crate::{EntryId, Error, ErrorKind, Exclusion, LockMode, Page, Query, Record, Result};

/// Something that keeps records: one level above storages.
///
/// A store is a source; so is anything else that can return records, such as another program's
/// credential helper. Look-ups and helpers take `dyn Source`.
///
/// # Errors
/// Of [`get`](Self::get), only [`NotFound`](crate::ErrorKind::NotFound) lets a look-up try the next
/// source. A missing key, a backend that is down or an altered record must not.
#[expect(clippy::missing_errors_doc, reason = "the trait's own page says it for all of them")]
pub trait Source: Debug + Send + Sync {
    /// Returns the record of this entry.
    fn get(&self, id: &EntryId) -> Result<Record>;

    /// Returns the records of these entries: one result for each, in their order. A source may need
    /// fewer requests for that than [`get`](Self::get) for each of them.
    fn get_many(&self, ids: &[EntryId]) -> Result<Vec<Result<Record>>> {
        Ok(ids.iter().map(|id| self.get(id)).collect())
    }

    /// Whether the entry exists. The source opens the entry only if it cannot find out otherwise.
    fn contains(&self, id: &EntryId) -> Result<bool>;

    /// Changes the record of this entry without losing the change of another writer, as far as the
    /// source can ensure that. This is the only way to write.
    ///
    /// `change` gets the current record, or `None`, and returns what to do with it. It is called
    /// again if the record was changed in the meantime.
    fn update(
        &self,
        id: &EntryId,
        change: &mut dyn FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()>;

    /// Lists some of the entries, without opening them.
    fn list(&self, query: &Query<'_>) -> Result<Page>;

    /// Locks an entry, waiting at most `wait`, so that work that takes long, such as asking a server
    /// for a new token, is done once however many processes want it. The entry need not exist.
    ///
    /// [`LockMode::Exclusive`] is for the one who works. [`LockMode::Shared`] is for those who need
    /// the result: they wait until the exclusive holder is done, all go on at once, and read again.
    ///
    /// While a thread holds a lock, it changes this source only by
    /// [`EntryLock::update`], and locks no other entry: another change could wait for a rotation of
    /// the source's keys, which waits for the lock.
    ///
    /// # Errors
    /// [`Locked`](ErrorKind::Locked) if the wait ends first; [`Unsupported`](ErrorKind::Unsupported)
    /// if the source has no locks.
    fn lock(&self, _: &EntryId, _: LockMode, _: Duration) -> Result<Box<dyn EntryLock + '_>> {
        Err(Error::new(ErrorKind::Unsupported, "lock").because("the source cannot lock entries"))
    }
}

/// A lock on an entry of a [`Source`], held until it is dropped.
///
/// It orders work. [`update`](Self::update) also compares and swaps, so no change of another writer
/// is lost even if the lock was.
pub trait EntryLock: Debug + Send {
    /// Whom the lock excludes, and how long.
    fn exclusion(&self) -> Exclusion;

    /// Keeps the lock for `ttl` from now on, at most an hour. A lock that ends with its holder
    /// ignores it; a [`Lease`](Exclusion::Lease) lasts 30 seconds unless it is renewed.
    /// [`update`](Self::update) also renews it, for the same time as the last renewal.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if the lock was lost.
    fn renew(&mut self, ttl: Duration) -> Result<()>;

    /// Changes the record of the locked entry, as [`Source::update`] does, without waiting for any
    /// other lock. `change` is called again if a writer without the lock changed the entry, such as
    /// a rotation that sealed it with a new key.
    ///
    /// # Errors
    /// As [`Source::update`]; [`Conflict`](ErrorKind::Conflict) if the lock was lost, and then
    /// nothing changes; [`Invalid`](ErrorKind::Invalid) if the lock is shared.
    fn update(&mut self, change: &mut dyn FnMut(Option<Record>) -> Result<Change>) -> Result<()>;
}

/// What to do with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Leave it as it is; nothing is written.
    Leave,
    /// Replace it with this one.
    Put(Box<Record>),
    /// Remove it.
    Remove,
}
