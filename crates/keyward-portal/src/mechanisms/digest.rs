//! The server's side of HTTP Digest (RFC 7616).
//!
//! An [`Offer`] is what a server asks for. A [`Response`] is read from the header of a request, is
//! compared with the offer and the request by [`Offer::examine`], and proves by [`Response::proves`]
//! that the client knows the password. The caller must accept each pair of nonce and count once.
//!
//! The form of RFC 2069, without count, is refused: it can be replayed.

use hmac::{Hmac, KeyInit, Mac};
use keyward_core::{Error, Result, Secret, Timestamp};
use sha2::Sha256;

use crate::Malformed;
pub use keyward_verifier::ha1::Algorithm as DigestHash;
use nonce::Nonces;
pub use response::Response;

mod header;
mod nonce;
mod response;

#[cfg(test)]
mod tests;

/// Returns a hash A1 for a user who does not exist: no response fits it, and it is always the same
/// for the same name.
pub fn decoy(secret: &Secret, hash: DigestHash, user: &str, realm: &str) -> Secret {
    let mut mac = mac(secret);
    for part in ["digest decoy", hash.name(), realm, user] {
        mac.update(&part.len().to_be_bytes());
        mac.update(part.as_bytes());
    }
    let code = mac.finalize().into_bytes();
    base16ct::lower::encode_string(&code[..hash.digits() / 2]).into()
}

/// Returns the hash of parts with colons between them, in hexadecimal form.
fn of_parts(hash: DigestHash, parts: &[&[u8]]) -> Secret {
    let mut joined: Vec<&[u8]> = parts.iter().flat_map(|part| [part, &b":"[..]]).collect();
    joined.pop();
    hash.hash(&joined)
}

fn mac(key: &Secret) -> Hmac<Sha256> {
    Hmac::new_from_slice(key.expose()).expect("a key of any length is allowed")
}

/// An algorithm of Digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Algorithm {
    /// Its hash function.
    pub hash: DigestHash,
    /// Whether its name ends in `-sess`: the key belongs to one nonce.
    pub is_session: bool,
}

impl Algorithm {
    /// The one with this name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let (base, is_session) =
            lower.strip_suffix("-sess").map_or((lower.as_str(), false), |base| (base, true));
        Some(Self { hash: DigestHash::from_name(base)?, is_session })
    }

    /// Its name.
    pub fn name(self) -> String {
        let end = if self.is_session { "-sess" } else { "" };
        format!("{}{end}", self.hash.name())
    }
}

impl From<DigestHash> for Algorithm {
    fn from(hash: DigestHash) -> Self {
        Self { hash, is_session: false }
    }
}

/// A request that a client wants answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its target, as in its first line.
    pub target: &'a str,
    /// The hash of its body, in hexadecimal form, if the server has read it.
    pub body: Option<&'a Secret>,
}

/// Whether a nonce can still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It can.
    Fresh,
    /// It was made by this server, and cannot be used any more. If the response is right, the client
    /// needs no new password, only a [challenge](Offer::challenges) that says so.
    Stale,
}

/// What a server asks of clients.
#[derive(Clone, Debug)]
pub struct Offer {
    realm: String,
    algorithms: Vec<Algorithm>,
    protects_body: bool,
    nonces: Nonces,
}

impl Offer {
    /// Offers SHA-256 for a realm, with nonces that are valid for five minutes.
    ///
    /// All processes that answer for the realm have the same `key`, which no other process knows.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if a header cannot contain the realm.
    pub fn new(realm: &str, key: Secret) -> Result<Self> {
        if realm.contains(char::is_control) || realm.len() > 256 {
            let why = "a realm has at most 256 bytes, and no control characters";
            return Err(Error::invalid("digest", why));
        }
        Ok(Self {
            realm: realm.to_owned(),
            algorithms: vec![DigestHash::Sha256.into()],
            protects_body: false,
            nonces: Nonces::new(realm, key),
        })
    }

    /// Offers these algorithms instead, the preferred one first.
    ///
    /// Some clients take the first one that they know, and are wrong about SHA-512-256: curl 7.88
    /// calculates SHA-256 for it.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Offers also to protect the body (`auth-int`).
    #[must_use]
    pub fn protecting_body(mut self) -> Self {
        self.protects_body = true;
        self
    }

    /// Sets for how many seconds a nonce is valid.
    #[must_use]
    pub fn valid_for(mut self, seconds: u64) -> Self {
        self.nonces.lifetime = seconds;
        self
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Makes a nonce.
    ///
    /// # Errors
    /// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if there are no random numbers.
    pub fn nonce(&self, now: Timestamp) -> Result<String> {
        Ok(self.nonces.make(now, keyward_fs::random()?))
    }

    /// Returns the values of the headers `WWW-Authenticate`, one for each algorithm.
    pub fn challenges(&self, nonce: &str, freshness: Freshness) -> Vec<String> {
        let stale = if freshness == Freshness::Stale { ", stale=true" } else { "" };
        let qop = if self.protects_body { "auth, auth-int" } else { "auth" };
        let challenge = |algorithm: &Algorithm| {
            format!(
                "Digest realm={}, qop=\"{qop}\", algorithm={}, nonce=\"{nonce}\"{stale}, charset=UTF-8",
                quoted(&self.realm),
                algorithm.name(),
            )
        };
        self.algorithms.iter().map(challenge).collect()
    }

    /// Compares a response with what was offered, and with the request that it came with. A caller
    /// that gets an answer must then ask [`Response::proves`].
    ///
    /// # Errors
    /// [`Malformed`] if something was not offered, is of another request, or if the nonce was not
    /// made here.
    pub fn examine(
        &self,
        response: &Response,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<Freshness, Malformed> {
        let wrong = |why| Err(Malformed::new(why));
        if response.realm != self.realm {
            return wrong("the response is for another realm");
        }
        if response.uri != request.target {
            return wrong("the response is for another target");
        }
        if !self.algorithms.contains(&response.algorithm) {
            return wrong("the algorithm was not offered");
        }
        if response.protects_body && !self.protects_body {
            return wrong("protection of the body was not offered");
        }
        if response.protects_body && request.body.is_none() {
            return wrong("the hash of the body is not known");
        }
        let freshness = self.nonces.freshness(&response.nonce, now)?;
        // The key of a session is calculated from the client's first nonce, which the server does not remember.
        let is_later = response.algorithm.is_session && response.count != 1;
        Ok(if is_later { Freshness::Stale } else { freshness })
    }
}

/// Writes a quoted string (RFC 9110 section 5.6.4).
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
