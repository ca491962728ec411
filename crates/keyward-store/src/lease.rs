//! Locks of entries in storages that have no locks: a reserved entry that one holder makes by
//! compare-and-swap, and that ends by itself.

use std::time::{Duration, Instant};

use keyward_core::{
    EntryId, Error, ErrorKind, Expect, Put, Result, Revision, StoreId, Stored, Swaps, Timestamp,
    hex,
};
use keyward_fs::random;
use sha2::{Digest, Sha256};

use crate::owner::{LEASE, foreign_storage, owner};
use crate::store::Store;

/// The length of a lease: magic number, store, holder, end.
const LENGTH: usize = LEASE.len() + 16 + 16 + 8;

/// The shortest and the longest pause between two attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(250));

/// The lease that this process holds on an entry.
#[derive(Debug)]
pub(crate) struct Lease<'a> {
    store: &'a Store,
    id: EntryId,
    holder: [u8; 16],
    revision: Revision,
}

impl Store {
    /// Takes the lease on an entry, waiting at most `wait`.
    pub(crate) fn lease(
        &self,
        entry: &EntryId,
        wait: Duration,
        ttl: Duration,
    ) -> Result<Lease<'_>> {
        if self.storage_abilities().swaps < Swaps::Puts {
            let why = format!("the storage {} cannot lock entries", self.parts.storage.name);
            return Err(Error::new(ErrorKind::Unsupported, "lock").because(why));
        }
        let (id, holder) = (reserved(entry)?, random()?);
        let revision = retry(wait, || {
            let expect = match self.lease_state(&id)? {
                State::Free(expect) => expect,
                State::Held => return Ok(None),
            };
            match self.put_lease(&id, holder, ttl, expect) {
                Ok(revision) => Ok(Some(revision)),
                Err(error) if error.kind() == ErrorKind::Conflict => Ok(None),
                Err(error) => Err(error),
            }
        })?;
        Ok(Lease { store: self, id, holder, revision })
    }

    /// Waits until there is no lease on an entry.
    pub(crate) fn await_lease(&self, entry: &EntryId, wait: Duration) -> Result<()> {
        let id = reserved(entry)?;
        retry(wait, || match self.lease_state(&id)? {
            State::Free(_) => Ok(Some(())),
            State::Held => Ok(None),
        })
    }

    fn lease_state(&self, id: &EntryId) -> Result<State> {
        let stored = match self.check_miss(self.storage()?.get(id)) {
            Err(error) if error.is_miss() => return Ok(State::Free(Expect::Absent)),
            stored => stored?,
        };
        if owner(&stored.blob).is_some_and(|store| store != self.parts.id) {
            return self.in_storage(Err(foreign_storage()));
        }
        // A lease that is damaged, or that ends later than any can, does not hold up anyone for ever: it
        // orders work, and the entry itself is changed by compare-and-swap.
        let now = self.now().as_unix();
        let is_held = end(&stored).is_some_and(|end| end > now && end - now <= LONGEST.as_secs());
        Ok(if is_held { State::Held } else { State::Free(Expect::Revision(stored.revision())) })
    }

    fn put_lease(
        &self,
        id: &EntryId,
        holder: [u8; 16],
        ttl: Duration,
        expect: Expect,
    ) -> Result<Revision> {
        // Rounded up, and one more for the second that has begun.
        let end = self.now().as_unix() + ttl.min(LONGEST).as_secs() + 1;
        let blob = encode(self.parts.id, holder, end);
        let put = Put::expecting(expect).expiring(Some(Timestamp::from_unix(end)));
        self.put_blob(id, &blob, &put)
    }
}

/// The longest time to live of a lease.
const LONGEST: Duration = Duration::from_secs(3600);

enum State {
    /// There is none, or it has ended; this must still be true when a new one is written.
    Free(Expect),
    Held,
}

impl Lease<'_> {
    /// Makes the lease last for `ttl` from now on.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if it was lost.
    pub(crate) fn renew(&mut self, ttl: Duration) -> Result<()> {
        let expect = Expect::Revision(self.revision.clone());
        self.revision = self.store.put_lease(&self.id, self.holder, ttl, expect)?;
        Ok(())
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        // If this fails, the lease ends by itself. It is tried even after the time of the operation.
        let expect = Expect::Revision(self.revision.clone());
        let storage = &self.store.parts.storage.backend;
        if storage.abilities().swaps == Swaps::All {
            let _ = storage.delete(&self.id, &expect);
        } else {
            let ended = encode(self.store.parts.id, self.holder, 0);
            let _ = storage.put(&self.id, &ended, &Put::expecting(expect));
        }
    }
}

/// Tries again, with growing pauses of random length, until there is a result.
fn retry<T>(wait: Duration, mut attempt: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    let (mut pause, longest) = PAUSES;
    loop {
        if let Some(result) = attempt()? {
            return Ok(result);
        }
        let left = wait.saturating_sub(started.elapsed());
        if left.is_zero() {
            let why = format!("another process has held the entry for {} seconds", wait.as_secs());
            return Err(Error::new(ErrorKind::Locked, "lock").because(why));
        }
        // Random, so that many who wait do not all try in the same moment.
        let [share] = random::<1>()?;
        std::thread::sleep(pause.mul_f32(0.5 + f32::from(share) / 512.0).min(left));
        pause = (pause * 2).min(longest);
    }
}

/// The reserved entry for the lease on an entry. Its name does not reveal the entry.
fn reserved(entry: &EntryId) -> Result<EntryId> {
    let digest = Sha256::digest(entry.to_bytes());
    EntryId::restore("", &format!("lease-{}", hex::encode(&digest[..16])))
}

fn encode(store: StoreId, holder: [u8; 16], end: u64) -> Vec<u8> {
    [LEASE, &store.0, &holder, &end.to_be_bytes()].concat()
}

/// When a lease ends, in seconds since 1970; `None` if it is damaged.
fn end(stored: &Stored) -> Option<u64> {
    let blob = stored.blob.as_slice();
    let end = blob.last_chunk::<8>().filter(|_| blob.len() == LENGTH && blob.starts_with(LEASE))?;
    Some(u64::from_be_bytes(*end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_has_the_form_of_the_specification() {
        let entry = EntryId::new("ann", Some("work")).unwrap();
        let id = reserved(&entry).unwrap();
        assert_eq!(id.name(), Some("lease-f757522ab7aea3d544183ea5ce2259ea"));
        let blob = encode(StoreId([1; 16]), [2; 16], 0x0102_0304);
        let expected = format!(
            "4b4559574152444c4541534501{}{}0000000001020304",
            "01".repeat(16),
            "02".repeat(16)
        );
        assert_eq!(hex::encode(&blob), expected);
        assert_eq!(end(&Stored::without_revision(blob)), Some(0x0102_0304));
    }

    proptest::proptest! {
        #[test]
        fn what_is_no_lease_has_no_end(rest: Vec<u8>) {
            let blob = [LEASE, &rest].concat();
            let is_whole = blob.len() == LENGTH;
            proptest::prop_assert_eq!(end(&Stored::without_revision(blob)).is_some(), is_whole);
            if !rest.starts_with(LEASE) {
                proptest::prop_assert_eq!(end(&Stored::without_revision(rest)), None);
            }
        }
    }
}
