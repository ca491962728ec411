//! Hashes of passwords, as crypt(3), the PHC string format, LDAP and Dovecot write them.
//!
//! [`Hash::parse`] reads one, [`Hash::verify`] checks a password, [`make`] makes one.
//!
//! # Security
//! - An empty password, one that contains a NUL and one of more than
//!   [`MAX_PASSWORD`] bytes are wrong. The hash is computed nevertheless, so that
//!   the time says nothing. Programs in C end a password at a NUL, so the two would disagree about it.
//! - A hash whose cost is above a limit is refused before any work: a line that an attacker wrote
//!   into a file must not make the server compute for minutes or use gigabytes.

mod blocks;
mod compute;
mod crypt64;
mod des;
mod md5_crypt;
mod parse;
mod scheme;
#[cfg(test)]
mod tests;
mod write;

use keyward_core::{Error, Result, Secret};
use keyward_fs::random;
use subtle::ConstantTimeEq;

use crate::{MAX_PASSWORD, Unusable};
use compute::Function;

pub use scheme::Scheme;

/// The most memory that checking a hash may use, in bytes.
pub const MAX_MEMORY: u64 = 512 << 20;

/// A hash with the default scheme and cost, of no password. A check of it is
/// [imitated](crate::imitate) where no user has a hash that could be taken as an example.
pub const EXAMPLE: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA\
                           $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A hash of a password.
#[derive(Clone, Debug)]
pub struct Hash {
    function: Function,
    salt: Vec<u8>,
    expected: Secret,
}

impl Hash {
    /// Reads a hash.
    ///
    /// It accepts Argon2 and scrypt in the PHC format, bcrypt (`$2a$`, `$2b$`, `$2y$`), SHA-crypt
    /// (`$5$`, `$6$`), yescrypt (`$y$`), MD5-crypt (`$1$`, `$apr1$`), PBKDF2 as passlib and Dovecot
    /// write it, DES crypt, and the digests of LDAP (`{SHA}`, `{SSHA}`, …). The prefixes of Dovecot
    /// (`{CRYPT}`, `{BLF-CRYPT}`, `{ARGON2ID}`, …) may stand before a hash.
    ///
    /// It also accepts weak schemes: see [`Scheme::is_legacy`] and [`weakness`](Self::weakness).
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn parse(stored: &Secret) -> Result<Self, Unusable> {
        parse::parse(stored.expose())
    }

    /// Its scheme.
    pub fn scheme(&self) -> Scheme {
        self.function.scheme(!self.salt.is_empty())
    }

    /// Checks a password.
    ///
    /// # Security
    /// bcrypt ignores what follows the 72nd byte of a password, and DES crypt what follows the eighth, as
    /// they do in all programs.
    pub fn verify(&self, password: &Secret) -> bool {
        let bytes = password.expose();
        let usable = !bytes.is_empty() && bytes.len() <= MAX_PASSWORD && !bytes.contains(&0);
        let some = &bytes[..bytes.len().min(MAX_PASSWORD)];
        let found = self.function.compute(some, &self.salt, self.expected.len());
        let same = found.is_some_and(|found| found.expose().ct_eq(self.expected.expose()).into());
        same & usable
    }

    /// How many bytes of memory [`verify`](Self::verify) uses.
    pub fn memory(&self) -> u64 {
        self.function.memory()
    }

    /// Why it should be replaced, if it should be.
    pub fn weakness(&self) -> Option<Weakness> {
        if self.scheme().is_fast() {
            return Some(Weakness::Scheme);
        }
        self.function.is_cheap().then_some(Weakness::Cost)
    }
}

/// Why a hash is weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Weakness {
    /// The scheme is so fast that passwords can be guessed.
    Scheme,
    /// The cost is so low that passwords can be guessed.
    Cost,
}

/// Makes the hash of a password, with the cost that OWASP's Password Storage Cheat Sheet (2025)
/// recommends, or with this one.
///
/// The meaning of a cost depends on the scheme: the memory in KiB for Argon2, log₂ of N for scrypt and
/// yescrypt, log₂ of the rounds for bcrypt, the number of rounds for SHA-crypt and PBKDF2.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid) if the password is empty, contains a NUL, or is longer than
/// the scheme can hash, or if the cost is not allowed;
/// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if there are no random bytes.
pub fn make(scheme: Scheme, password: &Secret, cost: Option<u32>) -> Result<Secret> {
    let bytes = password.expose();
    let longest = scheme.longest_password();
    if bytes.is_empty() || bytes.contains(&0) {
        return Err(refused("a password is not empty and contains no NUL"));
    }
    if bytes.len() > longest {
        let why = format!("{} hashes only the first {longest} bytes of a password", scheme.name());
        return Err(refused(&why).hint("use argon2id, or a shorter password"));
    }
    let function = Function::with_cost(scheme, cost)
        .ok_or_else(|| refused(&format!("{} has no such cost", scheme.name())))?;
    let salt = function.salt(random::<16>()?, scheme);
    let hash = function.compute(bytes, &salt, function.output());
    let hash = hash.ok_or_else(|| refused("the hash cannot be computed"))?;
    Ok(write::write(&function, scheme, &salt, &hash))
}

fn refused(why: &str) -> Error {
    Error::invalid("hash the password", why)
}
