//! Locks one entry, so that work on it that takes long is done once.

use std::fmt;
use std::time::{Duration, Instant};

use keyward_core::{
    Change, EntryId, EntryLock, Error, ErrorKind, Exclusion, Guard, LockMode, Record, Result,
};

use crate::lease::Lease;
use crate::store::{Store, WAIT};

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
        let started = Instant::now();
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
        let (store, id) = (self, id.clone());
        let mut lock = StoreEntryLock { writing: None, held, is_exclusive, ttl: TTL, store, id };
        if is_exclusive {
            lock.lock_out_rotation(wait.saturating_sub(started.elapsed()).min(WAIT))?;
        }
        Ok(lock)
    }
}

/// The lock of an entry of a [`Store`], held until it is dropped.
pub struct StoreEntryLock<'a> {
    /// The store's lock. It is dropped first.
    writing: Option<Box<dyn Guard>>,
    held: Held<'a>,
    is_exclusive: bool,
    /// How long the lock lasts after it is renewed.
    ttl: Duration,
    store: &'a Store,
    id: EntryId,
}

enum Held<'a> {
    Lock(Box<dyn Guard>, Exclusion),
    Lease(Lease<'a>),
    /// A shared lock in a storage without locks: it waited, and excludes no one.
    Nothing,
}

impl StoreEntryLock<'_> {
    /// Takes the store's lock. If that took so long that the entry's lock ended, another process may
    /// hold it now.
    fn lock_out_rotation(&mut self, wait: Duration) -> Result<()> {
        self.writing = self.store.writing_within(wait)?;
        if self.writing.is_none() || self.exclusion() != Exclusion::Lease {
            return Ok(());
        }
        self.renew(TTL).map_err(|error| match error.kind() {
            ErrorKind::Conflict => {
                let why = "the lock ended while a rotation of the store's keys went on";
                Error::new(ErrorKind::Locked, "lock").because(why)
            }
            _ => error,
        })
    }
}

impl EntryLock for StoreEntryLock<'_> {
    fn exclusion(&self) -> Exclusion {
        match &self.held {
            Held::Lock(_, exclusion) => *exclusion,
            Held::Lease(_) | Held::Nothing => Exclusion::Lease,
        }
    }

    fn renew(&mut self, ttl: Duration) -> Result<()> {
        self.ttl = ttl;
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
            self.renew(self.ttl)?;
        }
        match self.writing {
            Some(_) => self.store.update_under_lock(&self.id, change),
            // There is no store's lock to wait for, but a rotation may have changed the keys.
            None => self.store.update(&self.id, change),
        }
    }
}

impl fmt::Debug for StoreEntryLock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreEntryLock").field("id", &self.id).finish_non_exhaustive()
    }
}
