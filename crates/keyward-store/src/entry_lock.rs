//! Locks one entry, so that work on it that takes long is done once.

use std::fmt;
use std::time::Duration;

use keyward_core::{Change, EntryId, EntryLock, Error, Exclusion, Guard, LockMode, Record, Result};

use crate::lease::Lease;
use crate::store::Store;

/// How long a lock lasts that ends by itself, unless it is renewed.
const TTL: Duration = Duration::from_secs(30);

impl Store {
    /// Locks an entry, waiting at most `wait`; see [`Source::lock`](keyward_core::Source::lock).
    ///
    /// An exclusive lock holds the store's lock too, shared, until it ends: so a change under it
    /// never waits for a rotation, and a rotation waits for it. The order is always the entry's lock,
    /// then the store's.
    ///
    /// # Errors
    /// [`Locked`](ErrorKind::Locked) if the wait ends first; [`Unsupported`](ErrorKind::Unsupported)
    /// if the storage can neither lock nor check a condition.
    pub fn lock(&self, id: &EntryId, mode: LockMode, wait: Duration) -> Result<StoreEntryLock<'_>> {
        let wait = self.parts.host.remaining().map_or(wait, |left| left.min(wait));
        let held = match (self.storage()?.abilities().locks, mode) {
            (Some(locks), _) => {
                let guard = self.in_storage(locks.lock(id, mode, wait, TTL))?;
                Held::Lock(guard, locks.exclusion())
            }
            (None, LockMode::Exclusive) => Held::Lease(self.lease(id, wait, TTL)?),
            (None, LockMode::Shared) => {
                self.await_lease(id, wait)?;
                Held::Nothing
            }
        };
        let is_exclusive = mode == LockMode::Exclusive;
        let writing = if is_exclusive { self.writing()? } else { None };
        Ok(StoreEntryLock { writing, held, is_exclusive, store: self, id: id.clone() })
    }
}

/// The lock of an entry of a [`Store`], held until it is dropped.
pub struct StoreEntryLock<'a> {
    /// The store's lock. It is dropped first.
    writing: Option<Box<dyn Guard>>,
    held: Held<'a>,
    is_exclusive: bool,
    store: &'a Store,
    id: EntryId,
}

enum Held<'a> {
    Lock(Box<dyn Guard>, Exclusion),
    Lease(Lease<'a>),
    /// A shared lock in a storage without locks: it waited, and excludes no one.
    Nothing,
}

impl EntryLock for StoreEntryLock<'_> {
    fn exclusion(&self) -> Exclusion {
        match &self.held {
            Held::Lock(_, exclusion) => *exclusion,
            Held::Lease(_) | Held::Nothing => Exclusion::Lease,
        }
    }

    fn renew(&mut self, ttl: Duration) -> Result<()> {
        match &mut self.held {
            Held::Lock(guard, _) => self.store.in_storage(guard.renew(ttl))?,
            Held::Lease(lease) => lease.renew(ttl)?,
            Held::Nothing => {}
        }
        match &mut self.writing {
            Some(writing) => self.store.in_storage(writing.renew(ttl)),
            None => Ok(()),
        }
    }

    fn update(&mut self, change: &mut dyn FnMut(Option<Record>) -> Result<Change>) -> Result<()> {
        if !self.is_exclusive {
            return Err(Error::invalid("update", "the entry is locked only for reading"));
        }
        // A lock that was lost while the work took long is noticed here.
        if self.exclusion() == Exclusion::Lease {
            self.renew(TTL)?;
        }
        self.store.update_under_lock(&self.id, change)
    }
}

impl fmt::Debug for StoreEntryLock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreEntryLock").field("id", &self.id).finish_non_exhaustive()
    }
}
