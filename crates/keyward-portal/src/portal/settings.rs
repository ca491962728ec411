use std::sync::Arc;
use std::time::Duration;

use keyward_core::{Error, Result, Secret};

use super::{DigestRealm, Portal};
use crate::budget::Budget;
use crate::cache::Successes;
use crate::marks::PortalKey;
use crate::mechanisms::digest::{Algorithm, Offer};
use crate::memory::Memory;
use crate::penalties::Penalties;

impl<R> Portal<R> {
    /// Uses this key, so that copies of the server, and the server after a restart, give the same
    /// answers for unknown users.
    #[must_use]
    pub fn with_key(self, key: PortalKey) -> Self {
        Self { key, ..self }
    }

    /// Remembers here, such as in a [`SharedMemory`](crate::SharedMemory).
    #[must_use]
    pub fn with_memory(self, memory: Arc<dyn Memory>) -> Self {
        Self { memory, ..self }
    }

    /// Counts failures in this way; `None` if something in front of the server does it.
    #[must_use]
    pub fn with_penalties(self, penalties: Option<Penalties>) -> Self {
        Self { penalties, ..self }
    }

    /// Lets hashes use this much memory at the same time, in bytes.
    #[must_use]
    pub fn with_hash_memory(self, bytes: usize) -> Self {
        Self { budget: Budget::new(bytes), ..self }
    }

    /// Accepts a password that was right for some time without hashing it again, for at most `limit`
    /// users at once. A password that was changed is not accepted any more.
    ///
    /// A checker that checks by itself, such as `ldap`, is not asked meanwhile: it cannot say that a
    /// password was changed. So its successes are not kept.
    ///
    /// # Errors
    /// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if the system gives no random bytes.
    pub fn with_cache(self, life: Duration, limit: usize) -> Result<Self> {
        Ok(Self { successes: Some(Successes::new(life, limit)?), ..self })
    }

    /// Puts this name of the server into the challenges of CRAM-MD5 and APOP.
    #[must_use]
    pub fn with_host_name(self, name: &str) -> Self {
        Self { host_name: name.to_owned(), ..self }
    }

    /// Offers HTTP Digest for this realm, with these algorithms, the preferred one first.
    ///
    /// Without reason for another choice, offer SHA-256 and, for clients that know nothing better, MD5:
    /// curl 7.88 calculates SHA-256 where it is offered SHA-512-256.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if a header cannot contain the realm, or if there
    /// is no algorithm.
    pub fn with_digest(self, realm: &str, algorithms: &[Algorithm]) -> Result<Self> {
        if algorithms.is_empty() {
            return Err(Error::invalid("portal", "HTTP Digest needs an algorithm"));
        }
        let digest = DigestRealm { name: realm.to_owned(), algorithms: algorithms.to_vec() };
        let portal = Self { digest: Some(digest), ..self };
        portal.digest_offer()?;
        Ok(portal)
    }

    /// Returns what the server asks of clients in HTTP Digest, if it [offers](Self::with_digest) it.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if a header cannot contain the realm.
    pub fn digest_offer(&self) -> Result<Option<Offer>> {
        let Some(digest) = &self.digest else { return Ok(None) };
        let key = Secret::from(&self.key.mark("digest", &[])[..]);
        let algorithms = digest.algorithms.iter().copied();
        Ok(Some(Offer::new(&digest.name, key)?.algorithms(algorithms)))
    }
}
