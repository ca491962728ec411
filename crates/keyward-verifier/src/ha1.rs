//! The hash A1 of HTTP Digest (RFC 7616, section 3.4.2): the hash of `USER:REALM:PASSWORD`.
//!
//! # Security
//! With the hash, one can answer a challenge of its realm, so it is as secret as the password.

use keyward_core::{Secret, SecretWriter, hex};
use md5::Md5;
use sha2::digest::Digest;
use sha2::{Sha256, Sha512_256};
use std::io::Write;
use subtle::ConstantTimeEq;

use crate::{MAX_PASSWORD, Unusable};

/// The hash function of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// MD5, as in files of `htdigest`.
    Md5,
    /// SHA-256.
    Sha256,
    /// SHA-512/256.
    Sha512_256,
}

impl Algorithm {
    /// All of them, the best first.
    pub const ALL: &[Self] = &[Self::Sha512_256, Self::Sha256, Self::Md5];

    /// Its name in HTTP.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
        }
    }

    /// Returns the algorithm of this name; the case does not matter.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// Hashes parts, one after the other, to lower-case hexadecimal digits.
    pub fn hash(self, parts: &[&[u8]]) -> Secret {
        match self {
            Self::Md5 => hash::<Md5>(parts),
            Self::Sha256 => hash::<Sha256>(parts),
            Self::Sha512_256 => hash::<Sha512_256>(parts),
        }
    }

    /// How many digits a hash has.
    pub fn digits(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha256 | Self::Sha512_256 => 64,
        }
    }
}

fn hash<D: Digest>(parts: &[&[u8]]) -> Secret {
    let mut digest = D::new();
    parts.iter().for_each(|part| digest.update(part));
    Secret::from(hex::encode(&digest.finalize()))
}

/// Computes the hash A1, in lower-case hexadecimal digits.
pub fn compute(algorithm: Algorithm, user: &str, realm: &str, password: &Secret) -> Secret {
    algorithm.hash(&[user.as_bytes(), b":", realm.as_bytes(), b":", password.expose()])
}

/// A verifier of the form [`Ha1`](keyward_core::VerifierForm::Ha1): `ALGORITHM:REALM:HEX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ha1 {
    /// The hash function.
    pub algorithm: Algorithm,
    /// The realm in which it is valid.
    pub realm: String,
    /// The hash, in lower-case hexadecimal digits.
    pub hash: Secret,
}

impl Ha1 {
    /// Makes the verifier of a password.
    pub fn make(algorithm: Algorithm, user: &str, realm: &str, password: &Secret) -> Self {
        let hash = compute(algorithm, user, realm, password);
        Self { algorithm, realm: realm.to_owned(), hash }
    }

    /// Reads a verifier. The realm may contain colons.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn parse(stored: &Secret) -> Result<Self, Unusable> {
        let text = stored.expose_str().ok_or(Unusable::Malformed)?;
        let (algorithm, rest) = text.split_once(':').ok_or(Unusable::Malformed)?;
        let (realm, digits) = rest.rsplit_once(':').ok_or(Unusable::Malformed)?;
        let algorithm = Algorithm::from_name(algorithm).ok_or(Unusable::Unknown)?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if digits.len() != algorithm.digits() || !is_hex {
            return Err(Unusable::Malformed);
        }
        let mut hash = digits.as_bytes().to_vec();
        hash.make_ascii_lowercase();
        Ok(Self { algorithm, realm: realm.to_owned(), hash: Secret::new(hash) })
    }

    /// Writes it.
    pub fn write(&self) -> Secret {
        let mut text = SecretWriter::new();
        // A writer in memory without limit has no errors.
        let _ = write!(text, "{}:{}:", self.algorithm.name(), self.realm);
        let _ = text.write_all(self.hash.expose());
        text.finish()
    }

    /// Checks the password of a user. The empty password is wrong.
    pub fn verify(&self, user: &str, password: &Secret) -> bool {
        let usable = !password.is_empty() && password.len() <= MAX_PASSWORD;
        let found = compute(self.algorithm, user, &self.realm, password);
        bool::from(found.expose().ct_eq(self.hash.expose())) & usable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616, section 3.9, computed by another program; and RFC 2617, section 3.5.
    #[test]
    fn the_hash_is_that_of_the_rfcs() {
        let realm = "testrealm@host.com";
        let hash = compute(Algorithm::Md5, "Mufasa", realm, &"Circle Of Life".into());
        assert_eq!(hash.expose(), b"939e7578ed9e3c518a452acee763bce9");
    }

    #[test]
    fn what_is_written_is_read() {
        for algorithm in Algorithm::ALL {
            let made = Ha1::make(*algorithm, "ann", "a: realm", &"secret".into());
            let read = Ha1::parse(&made.write()).unwrap();
            assert_eq!(read, made);
            assert!(read.verify("ann", &"secret".into()));
            assert!(!read.verify("bob", &"secret".into()));
            assert!(!read.verify("ann", &"".into()) && !read.verify("ann", &"Secret".into()));
        }
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        let digits = "0".repeat(32);
        for (stored, why) in [
            (String::new(), Unusable::Malformed),
            (format!("MD5:{digits}"), Unusable::Malformed),
            (format!("SHA-1:r:{digits}"), Unusable::Unknown),
            (format!("SHA-256:r:{digits}"), Unusable::Malformed),
            (format!("MD5:r:{}", "g".repeat(32)), Unusable::Malformed),
        ] {
            assert_eq!(Ha1::parse(&stored.as_str().into()).unwrap_err(), why, "{stored}");
        }
        let upper = Ha1::parse(&format!("md5:r:{}", "AB".repeat(16)).into()).unwrap();
        assert_eq!(upper.hash.expose(), "ab".repeat(16).as_bytes());
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_a_panic(text in "(MD5:)?.{0,40}:?[0-9a-f]{0,64}") {
            let _ = Ha1::parse(&text.into());
        }
    }
}
