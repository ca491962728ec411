//! Locks as a network service has them: they end by themselves, sooner than the store requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use keyward_core::{EntryId, Error, ErrorKind, Exclusion, Guard, LockMode, Locks, Result};

/// The longest time to live.
pub(crate) const LONGEST: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(crate) struct ExpiringLocks(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    locks: BTreeMap<u64, (EntryId, LockMode, Instant)>,
    last: u64,
}

#[derive(Debug)]
struct Holder(Arc<Mutex<Held>>, u64);

impl ExpiringLocks {
    /// Ends all locks now.
    pub(crate) fn end_all(&self) {
        self.0.lock().unwrap().locks.clear();
    }
}

impl Locks for ExpiringLocks {
    fn lock(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
        ttl: Duration,
    ) -> Result<Box<dyn Guard>> {
        let started = Instant::now();
        loop {
            let now = Instant::now();
            let mut held = self.0.lock().unwrap();
            held.locks.retain(|_, (_, _, end)| *end > now);
            let is_free = |(other, its_mode, _): &(EntryId, LockMode, Instant)| {
                other != id || [mode, *its_mode] == [LockMode::Shared; 2]
            };
            if held.locks.values().all(is_free) {
                held.last += 1;
                let number = held.last;
                held.locks.insert(number, (id.clone(), mode, now + ttl.min(LONGEST)));
                return Ok(Box::new(Holder(Arc::clone(&self.0), number)));
            }
            drop(held);
            if started.elapsed() >= wait {
                return Err(Error::new(ErrorKind::Locked, "lock"));
            }
            sleep(Duration::from_millis(1));
        }
    }

    fn exclusion(&self) -> Exclusion {
        Exclusion::Lease
    }
}

impl Guard for Holder {
    fn renew(&mut self, ttl: Duration) -> Result<()> {
        let now = Instant::now();
        match self.0.lock().unwrap().locks.get_mut(&self.1) {
            Some((_, _, end)) if *end > now => {
                *end = now + ttl.min(LONGEST);
                Ok(())
            }
            _ => Err(Error::new(ErrorKind::Conflict, "renew")),
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.lock().unwrap().locks.remove(&self.1);
    }
}
