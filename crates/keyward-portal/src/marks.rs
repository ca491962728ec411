use std::fmt::{self, Debug};

use hmac::{Hmac, KeyInit, Mac};
use keyward_core::{Error, Result, Secret, hex};
use sha2::{Digest, Sha256};

use crate::parts::join;

/// The key of a portal.
///
/// Everything that must look random and stay the same is made with it: the salts that unknown users
/// get, the nonces of HTTP Digest. Copies of a server have the same key, and a server keeps its key
/// when it starts again; otherwise a client could find out which users exist.
#[derive(Clone)]
pub struct PortalKey(Secret);

impl PortalKey {
    /// The least number of bytes.
    pub const MIN: usize = 32;

    /// Makes a key of these random bytes.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there are fewer than [`Self::MIN`].
    pub fn new(bytes: Secret) -> Result<Self> {
        if bytes.len() < Self::MIN {
            return Err(Error::invalid(
                "portal",
                "the key of a portal has at least 32 random bytes",
            ));
        }
        Ok(Self(bytes))
    }

    /// Makes a key for this process only.
    ///
    /// # Errors
    /// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if the system gives no random bytes.
    pub fn random() -> Result<Self> {
        Ok(Self(Secret::from(&keyward_fs::random::<32>()?[..])))
    }

    /// Returns 32 bytes that depend on the key, a purpose and these parts (HMAC-SHA-256, RFC 2104).
    pub(crate) fn mark(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let message = join(std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()));
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose()).expect("any key fits");
        mac.update(message.expose());
        mac.finalize().into_bytes().into()
    }

    /// Returns a number.
    pub(crate) fn pick(&self, purpose: &str, parts: &[&[u8]]) -> u64 {
        let mark = self.mark(purpose, parts);
        u64::from_be_bytes(*mark.first_chunk().expect("a mark has 32 bytes"))
    }
}

/// Returns a short text for the name of a note. It does not depend on a key, so that copies of a server
/// find each other's notes even if their keys differ.
pub(crate) fn label(purpose: &str, parts: &[&[u8]]) -> String {
    let parts = join(std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()));
    hex::encode(&Sha256::digest(parts.expose())[..16])
}

impl Debug for PortalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PortalKey")
    }
}
