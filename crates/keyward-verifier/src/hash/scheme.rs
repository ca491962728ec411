use std::fmt;

use crate::MAX_PASSWORD;

/// How a password is hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Argon2id (RFC 9106), the default.
    #[default]
    Argon2id,
    /// Argon2i (RFC 9106).
    Argon2i,
    /// Argon2d (RFC 9106).
    Argon2d,
    /// bcrypt, `$2b$` and the like.
    Bcrypt,
    /// yescrypt, `$y$`: the default of Linux distributions.
    Yescrypt,
    /// scrypt (RFC 7914) in the PHC format.
    Scrypt,
    /// SHA-512-crypt, `$6$`.
    Sha512Crypt,
    /// SHA-256-crypt, `$5$`.
    Sha256Crypt,
    /// PBKDF2 with HMAC-SHA-512 (RFC 8018), as passlib writes it.
    Pbkdf2Sha512,
    /// PBKDF2 with HMAC-SHA-256 (RFC 8018), as passlib writes it.
    Pbkdf2Sha256,
    /// PBKDF2 with HMAC-SHA-1 (RFC 8018), as Dovecot writes it.
    Pbkdf2Sha1,
    /// MD5-crypt of Apache, `$apr1$`.
    Apr1,
    /// MD5-crypt, `$1$`.
    Md5Crypt,
    /// DES crypt: 13 characters.
    DesCrypt,
    /// `{SSHA512}`: SHA-512 of password and salt.
    SaltedSha512,
    /// `{SHA512}`.
    Sha512,
    /// `{SSHA256}`: SHA-256 of password and salt.
    SaltedSha256,
    /// `{SHA256}`.
    Sha256,
    /// `{SSHA}`: SHA-1 of password and salt (RFC 2307).
    SaltedSha1,
    /// `{SHA}`: SHA-1 (RFC 2307).
    Sha1,
    /// `{SMD5}`: MD5 of password and salt.
    SaltedMd5,
    /// `{PLAIN-MD5}` and `{LDAP-MD5}`.
    Md5,
}

impl Scheme {
    /// All schemes, the best first.
    pub const ALL: &[Self] = &[
        Self::Argon2id,
        Self::Argon2i,
        Self::Argon2d,
        Self::Bcrypt,
        Self::Yescrypt,
        Self::Scrypt,
        Self::Sha512Crypt,
        Self::Sha256Crypt,
        Self::Pbkdf2Sha512,
        Self::Pbkdf2Sha256,
        Self::Pbkdf2Sha1,
        Self::Apr1,
        Self::Md5Crypt,
        Self::DesCrypt,
        Self::SaltedSha512,
        Self::Sha512,
        Self::SaltedSha256,
        Self::Sha256,
        Self::SaltedSha1,
        Self::Sha1,
        Self::SaltedMd5,
        Self::Md5,
    ];

    /// Its name in options and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Argon2id => "argon2id",
            Self::Argon2i => "argon2i",
            Self::Argon2d => "argon2d",
            Self::Bcrypt => "bcrypt",
            Self::Yescrypt => "yescrypt",
            Self::Scrypt => "scrypt",
            Self::Sha512Crypt => "sha512-crypt",
            Self::Sha256Crypt => "sha256-crypt",
            Self::Pbkdf2Sha512 => "pbkdf2-sha512",
            Self::Pbkdf2Sha256 => "pbkdf2-sha256",
            Self::Pbkdf2Sha1 => "pbkdf2",
            Self::Apr1 => "apr1",
            Self::Md5Crypt => "md5-crypt",
            Self::DesCrypt => "des-crypt",
            Self::SaltedSha512 => "ssha512",
            Self::Sha512 => "sha512",
            Self::SaltedSha256 => "ssha256",
            Self::Sha256 => "sha256",
            Self::SaltedSha1 => "ssha",
            Self::Sha1 => "sha",
            Self::SaltedMd5 => "smd5",
            Self::Md5 => "md5",
        }
    }

    /// Returns the scheme of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scheme| scheme.name() == name)
    }

    /// The prefix that Dovecot writes before a hash of this scheme, with its braces; `None` if Dovecot
    /// does not know the scheme.
    pub fn prefix(self) -> Option<&'static str> {
        Some(match self {
            Self::Argon2id => "{ARGON2ID}",
            Self::Argon2i => "{ARGON2I}",
            Self::Bcrypt => "{BLF-CRYPT}",
            Self::Yescrypt => "{CRYPT}",
            Self::Sha512Crypt => "{SHA512-CRYPT}",
            Self::Sha256Crypt => "{SHA256-CRYPT}",
            Self::Pbkdf2Sha1 => "{PBKDF2}",
            Self::Md5Crypt => "{MD5-CRYPT}",
            Self::DesCrypt => "{DES-CRYPT}",
            Self::SaltedSha512 => "{SSHA512}",
            Self::Sha512 => "{SHA512}",
            Self::SaltedSha256 => "{SSHA256}",
            Self::Sha256 => "{SHA256}",
            Self::SaltedSha1 => "{SSHA}",
            Self::Sha1 => "{SHA}",
            Self::SaltedMd5 => "{SMD5}",
            Self::Md5 => "{LDAP-MD5}",
            Self::Argon2d | Self::Scrypt | Self::Pbkdf2Sha512 | Self::Pbkdf2Sha256 | Self::Apr1 => {
                return None;
            }
        })
    }

    /// Whether a server must be told to accept it: DES crypt, which ignores all but eight bytes of a
    /// password.
    pub fn is_legacy(self) -> bool {
        self == Self::DesCrypt
    }

    /// Whether it is so fast that passwords can be guessed from a hash.
    pub fn is_fast(self) -> bool {
        self >= Self::Apr1
    }

    /// The longest password that it hashes completely, in bytes.
    pub fn longest_password(self) -> usize {
        match self {
            Self::Bcrypt => 72,
            Self::DesCrypt => 8,
            _ => MAX_PASSWORD,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
