//! Locks that end by themselves.

use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use keyward_testkit::core::{EntryId, Error, ErrorKind, Guard, LockMode, Result};

use super::Fault::{self, *};
use super::Kept;

/// A lock that ends by itself.
#[derive(Debug)]
pub(super) struct Lease {
    id: EntryId,
    number: u64,
    mode: LockMode,
    end: Instant,
}

impl Kept {
    pub(super) fn lease(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
        ttl: Duration,
    ) -> Result<Box<dyn Guard>> {
        let until = Instant::now() + wait;
        let ttl = if self.has(KeepsLeases) { Duration::from_secs(3600) } else { ttl };
        loop {
            let (mut leases, now) = (self.shared.leases.lock()?, Instant::now());
            leases.retain(|lease| lease.end > now);
            let excludes = |lease: &Lease| {
                lease.id == *id
                    && (lease.mode == LockMode::Exclusive || mode == LockMode::Exclusive)
            };
            if !leases.iter().any(excludes) {
                let mut state = self.shared.state.lock()?;
                state.writes += 1;
                let number = state.writes;
                leases.push(Lease { id: id.clone(), number, mode, end: now + ttl });
                let (id, fault) = (id.clone(), self.fault);
                return Ok(Box::new(Leased {
                    leases: self.shared.leases.clone(),
                    id,
                    number,
                    fault,
                }));
            }
            drop(leases);
            if Instant::now() > until {
                return Err(Error::new(ErrorKind::Locked, "lock"));
            }
            sleep(Duration::from_millis(5));
        }
    }
}

#[derive(Debug)]
struct Leased {
    leases: Arc<Mutex<Vec<Lease>>>,
    id: EntryId,
    number: u64,
    fault: Option<Fault>,
}

impl Guard for Leased {
    fn renew(&mut self, ttl: Duration) -> Result<()> {
        let (mut leases, now) = (self.leases.lock()?, Instant::now());
        match leases.iter_mut().find(|lease| lease.number == self.number && lease.end > now) {
            Some(_) if self.fault == Some(RenewsNothing) => {}
            Some(lease) => lease.end = now + ttl,
            None if self.fault == Some(RenewsLostLeases) => {}
            None => return Err(Error::new(ErrorKind::Conflict, "lock")),
        }
        Ok(())
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        let releases_all = self.fault == Some(ReleasesOthers);
        let mut leases = self.leases.lock().unwrap();
        leases
            .retain(|lease| lease.number != self.number && !(releases_all && lease.id == self.id));
    }
}
