//! The hashes of a file.

use std::str::FromStr;

use keyward_core::{Error, ErrorKind, Result, hex};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashName {
    /// SHA-1, for old lists of hashes. It does not protect against an attacker.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl HashName {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// A hash that is wanted: `sha256`, or `sha256=HEX` for one that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedHash {
    /// The function.
    pub name: HashName,
    /// The hash that the file must have, in lower-case hexadecimal.
    pub known: Option<String>,
}

impl FromStr for WantedHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, known) = match text.split_once('=') {
            Some((name, known)) => (name, Some(known.to_ascii_lowercase())),
            None => (text, None),
        };
        let (name, length) = match name {
            "sha1" => (HashName::Sha1, 40),
            "sha256" => (HashName::Sha256, 64),
            "sha512" => (HashName::Sha512, 128),
            _ => return Err("the hashes are sha1, sha256 and sha512".into()),
        };
        let is_hash = |text: &String| {
            text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        match known {
            Some(text) if !is_hash(&text) => Err(format!("it needs {length} hexadecimal digits")),
            known => Ok(Self { name, known }),
        }
    }
}

/// Calculates hashes.
pub(crate) enum Hasher {
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    pub(crate) fn new(name: HashName) -> Self {
        match name {
            HashName::Sha1 => Self::Sha1(Sha1::new()),
            HashName::Sha256 => Self::Sha256(Sha256::new()),
            HashName::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// Returns the hash in hexadecimal.
    pub(crate) fn finish(self) -> String {
        match self {
            Self::Sha1(hasher) => hex::encode(&hasher.finalize()),
            Self::Sha256(hasher) => hex::encode(&hasher.finalize()),
            Self::Sha512(hasher) => hex::encode(&hasher.finalize()),
        }
    }
}

/// Refuses a file that does not have the hash that is known.
pub(crate) fn check(wanted: &WantedHash, found: &str) -> Result<()> {
    match &wanted.known {
        Some(known) if known != found => {
            let name = wanted.name.name();
            Err(Error::new(ErrorKind::Corrupt, "fetch")
                .because(format!("the file has another {name} hash: {found}")))
        }
        _ => Ok(()),
    }
}
