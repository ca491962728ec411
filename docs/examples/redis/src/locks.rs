//! Locks: leases on the server, which end if they are not renewed.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use keyward_plugin::{
    EntryId, Error, ErrorKind, Exclusion, Guard, LockMode, Locks, Result, hex, random,
};

use crate::connection::Server;
use crate::script::LOCK;
use crate::storage::Redis;

/// How long to wait before a lock is tried again.
const PAUSE: Duration = Duration::from_millis(20);

impl Locks for Redis {
    fn lock(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
        ttl: Duration,
    ) -> Result<Box<dyn Guard>> {
        let kind = if mode == LockMode::Exclusive { "x" } else { "s" };
        let holder = format!("{kind}{}", hex::encode(&random::<16>()?));
        let (server, key) = (Arc::clone(&self.server), self.keys.lock(id));
        let mut lease = Lease { server, key, holder, is_held: false };
        let until = Instant::now().checked_add(wait);
        while !lease.call("lock", "take", ttl)? {
            if until.is_some_and(|until| Instant::now() + PAUSE > until) {
                return Err(Error::new(ErrorKind::Locked, "lock"));
            }
            sleep(PAUSE);
        }
        lease.is_held = true;
        Ok(Box::new(lease))
    }

    fn exclusion(&self) -> Exclusion {
        Exclusion::Lease
    }
}

/// A lease that is held. It needs no connection between calls.
#[derive(Debug)]
struct Lease {
    server: Arc<Server>,
    key: Vec<u8>,
    holder: String,
    is_held: bool,
}

impl Lease {
    /// Returns whether the lease is held.
    fn call(&self, operation: &'static str, action: &str, ttl: Duration) -> Result<bool> {
        let ttl = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, MAX_TTL);
        self.server.run(operation, |connection| {
            LOCK.key(&self.key).arg(action).arg(&self.holder).arg(ttl).invoke(connection)
        })
    }
}

/// The longest lease, in milliseconds: a year.
const MAX_TTL: u64 = 365 * 24 * 60 * 60 * 1000;

impl Guard for Lease {
    fn renew(&mut self, ttl: Duration) -> Result<()> {
        match self.call("renew", "renew", ttl)? {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Conflict, "renew").because("the lock was lost")),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // If the server does not answer, the lease ends by itself.
        if self.is_held {
            drop(self.call("unlock", "release", Duration::ZERO));
        }
    }
}
