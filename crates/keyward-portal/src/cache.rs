use std::collections::{HashMap, VecDeque};
use std::fmt::{self, Debug};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use keyward_core::{Identity, Secret, Timestamp};

use crate::marks::PortalKey;

/// The passwords that were right, so that a client that sends its password with each request does
/// not cost a slow hash each time.
///
/// It keeps no password: the key of an entry is a keyed hash of the checker's position, the user, the
/// password and the verifier. So an entry is of no use any more as soon as the verifier changes.
pub(crate) struct Successes {
    key: PortalKey,
    life: Duration,
    limit: usize,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_mark: HashMap<[u8; 32], (Identity, Timestamp)>,
    oldest: VecDeque<[u8; 32]>,
}

/// What the key of an entry is made from.
#[derive(Clone, Copy)]
pub(crate) struct Success<'a> {
    /// The position of the checker in the chain.
    pub(crate) position: usize,
    /// The prepared name of the user.
    pub(crate) user: &'a str,
    pub(crate) password: &'a Secret,
    /// The verifier that the checker returns now; empty for a checker that checks by itself.
    pub(crate) verifier: &'a [u8],
}

impl Successes {
    /// # Errors
    /// Those of [`PortalKey::random`].
    pub(crate) fn new(life: Duration, limit: usize) -> keyward_core::Result<Self> {
        // The key is not the portal's, so that nothing of the cache is of use after the process.
        let key = PortalKey::random()?;
        Ok(Self { key, life, limit: limit.max(1), entries: Mutex::default() })
    }

    /// Returns the key of the entry of a success.
    pub(crate) fn mark(&self, success: &Success<'_>) -> [u8; 32] {
        let position = (success.position as u64).to_be_bytes();
        self.key.mark(
            "success",
            &[&position, success.user.as_bytes(), success.password.expose(), success.verifier],
        )
    }

    pub(crate) fn find(&self, mark: &[u8; 32], now: Timestamp) -> Option<Identity> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (identity, until) = entries.by_mark.get(mark)?;
        (now < *until).then(|| identity.clone())
    }

    pub(crate) fn keep(&self, mark: [u8; 32], identity: &Identity, now: Timestamp) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.by_mark.insert(mark, (identity.clone(), now.after(self.life))).is_none() {
            entries.oldest.push_back(mark);
        }
        if entries.oldest.len() > self.limit
            && let Some(oldest) = entries.oldest.pop_front()
        {
            entries.by_mark.remove(&oldest);
        }
    }
}

impl Debug for Successes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Successes").field("life", &self.life).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_password_at_the_same_place_is_found() {
        let cache = Successes::new(Duration::from_secs(60), 2).unwrap();
        let (now, password) = (Timestamp::from_unix(1000), Secret::from("p"));
        let ann = Identity::new("ann").unwrap();
        let success = Success { position: 0, user: "ann", password: &password, verifier: b"hash" };
        cache.keep(cache.mark(&success), &ann, now);
        assert_eq!(cache.find(&cache.mark(&success), now), Some(ann.clone()));
        assert_eq!(cache.find(&cache.mark(&success), now.after(Duration::from_secs(60))), None);
        let other = Secret::from("q");
        for different in [
            Success { position: 1, ..success },
            Success { user: "bob", ..success },
            Success { password: &other, ..success },
            Success { verifier: b"new hash", ..success },
            Success { user: "annp", password: &Secret::from(""), ..success },
        ] {
            assert_eq!(cache.find(&cache.mark(&different), now), None);
        }
        for user in ["bob", "cid"] {
            cache.keep(cache.mark(&Success { user, ..success }), &ann, now);
        }
        assert_eq!(cache.find(&cache.mark(&success), now), None);
    }
}
