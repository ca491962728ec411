use argon2::{Algorithm, Argon2, Version};
use keyward_core::Secret;
use md5::Md5;
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::digest::Digest;
use sha2::{Sha256, Sha512};

use super::blocks::with_blocks;
use super::{MAX_MEMORY, Scheme, crypt64, des, md5_crypt};

/// How a hash is computed from a password and a salt.
///
/// The hashes of crypt(3) with an own encoding are computed as text, all others as bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Function {
    Argon2 { algorithm: Algorithm, version: Version, memory: u32, passes: u32, lanes: u32 },
    Bcrypt { cost: u32 },
    Yescrypt(yescrypt::Params),
    Scrypt { log_n: u8, r: u32, p: u32 },
    Sha512Crypt { rounds: u32 },
    Sha256Crypt { rounds: u32 },
    Pbkdf2 { digest: Kind, rounds: u32 },
    Apr1,
    Md5Crypt,
    DesCrypt,
    Digest(Kind),
}

/// A hash function that is not made for passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Kind {
    pub(super) fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// The most work of a memory-hard function: bytes that are written.
const MAX_WORK: u64 = 4 << 30;
const MAX_BCRYPT_COST: u32 = 16;
const MAX_SHA_CRYPT_ROUNDS: u32 = 1_000_000;
const MAX_PBKDF2_ROUNDS: u32 = 4_000_000;

impl Function {
    /// The function of a scheme with a cost, or with the default cost; `None` if there is no such cost.
    pub(super) fn with_cost(scheme: Scheme, cost: Option<u32>) -> Option<Self> {
        let argon2 = |algorithm| Self::Argon2 {
            algorithm,
            version: Version::V0x13,
            memory: cost.unwrap_or(19 << 10),
            passes: 2,
            lanes: 1,
        };
        let pbkdf2 = |digest, rounds| Self::Pbkdf2 { digest, rounds: cost.unwrap_or(rounds) };
        let digest = |kind| cost.is_none().then_some(Self::Digest(kind));
        let fixed = |function| cost.is_none().then_some(function);
        let function = match scheme {
            Scheme::Argon2id => argon2(Algorithm::Argon2id),
            Scheme::Argon2i => argon2(Algorithm::Argon2i),
            Scheme::Argon2d => argon2(Algorithm::Argon2d),
            Scheme::Bcrypt => Self::Bcrypt { cost: cost.unwrap_or(12) },
            Scheme::Yescrypt => {
                let n = 1_u64.checked_shl(cost.unwrap_or(12))?;
                Self::Yescrypt(yescrypt::Params::new(yescrypt::Mode::Rw, n, 32, 1).ok()?)
            }
            Scheme::Scrypt => {
                Self::Scrypt { log_n: u8::try_from(cost.unwrap_or(17)).ok()?, r: 8, p: 1 }
            }
            Scheme::Sha512Crypt => Self::Sha512Crypt { rounds: cost.unwrap_or(100_000) },
            Scheme::Sha256Crypt => Self::Sha256Crypt { rounds: cost.unwrap_or(100_000) },
            Scheme::Pbkdf2Sha512 => pbkdf2(Kind::Sha512, 220_000),
            Scheme::Pbkdf2Sha256 => pbkdf2(Kind::Sha256, 600_000),
            Scheme::Pbkdf2Sha1 => pbkdf2(Kind::Sha1, 1_400_000),
            Scheme::Apr1 => fixed(Self::Apr1)?,
            Scheme::Md5Crypt => fixed(Self::Md5Crypt)?,
            Scheme::DesCrypt => fixed(Self::DesCrypt)?,
            Scheme::SaltedSha512 | Scheme::Sha512 => digest(Kind::Sha512)?,
            Scheme::SaltedSha256 | Scheme::Sha256 => digest(Kind::Sha256)?,
            Scheme::SaltedSha1 | Scheme::Sha1 => digest(Kind::Sha1)?,
            Scheme::SaltedMd5 | Scheme::Md5 => digest(Kind::Md5)?,
        };
        function.is_allowed().then_some(function)
    }

    pub(super) fn scheme(&self, salted: bool) -> Scheme {
        match self {
            Self::Argon2 { algorithm: Algorithm::Argon2id, .. } => Scheme::Argon2id,
            Self::Argon2 { algorithm: Algorithm::Argon2i, .. } => Scheme::Argon2i,
            Self::Argon2 { algorithm: Algorithm::Argon2d, .. } => Scheme::Argon2d,
            Self::Bcrypt { .. } => Scheme::Bcrypt,
            Self::Yescrypt(_) => Scheme::Yescrypt,
            Self::Scrypt { .. } => Scheme::Scrypt,
            Self::Sha512Crypt { .. } => Scheme::Sha512Crypt,
            Self::Sha256Crypt { .. } => Scheme::Sha256Crypt,
            Self::Pbkdf2 { digest: Kind::Sha512, .. } => Scheme::Pbkdf2Sha512,
            Self::Pbkdf2 { digest: Kind::Sha256, .. } => Scheme::Pbkdf2Sha256,
            Self::Pbkdf2 { .. } => Scheme::Pbkdf2Sha1,
            Self::Apr1 => Scheme::Apr1,
            Self::Md5Crypt => Scheme::Md5Crypt,
            Self::DesCrypt => Scheme::DesCrypt,
            Self::Digest(Kind::Sha512) if salted => Scheme::SaltedSha512,
            Self::Digest(Kind::Sha512) => Scheme::Sha512,
            Self::Digest(Kind::Sha256) if salted => Scheme::SaltedSha256,
            Self::Digest(Kind::Sha256) => Scheme::Sha256,
            Self::Digest(Kind::Sha1) if salted => Scheme::SaltedSha1,
            Self::Digest(Kind::Sha1) => Scheme::Sha1,
            Self::Digest(Kind::Md5) if salted => Scheme::SaltedMd5,
            Self::Digest(Kind::Md5) => Scheme::Md5,
        }
    }

    /// The salt of a new hash, from random bytes.
    pub(super) fn salt(&self, random: [u8; 16], scheme: Scheme) -> Vec<u8> {
        let digits = |count: usize| random.iter().take(count).map(|byte| crypt64::digit(*byte));
        match self {
            Self::Sha512Crypt { .. } | Self::Sha256Crypt { .. } => digits(16).collect(),
            Self::Apr1 | Self::Md5Crypt => digits(8).collect(),
            Self::DesCrypt => digits(2).collect(),
            // Dovecot's is text of 16 characters.
            Self::Pbkdf2 { digest: Kind::Sha1, .. } => digits(16).collect(),
            Self::Digest(_) if self.scheme(true) != scheme => Vec::new(),
            Self::Digest(_) => random[..8].to_vec(),
            _ => random.to_vec(),
        }
    }

    /// The length of a new hash.
    pub(super) fn output(&self) -> usize {
        match self {
            Self::Argon2 { .. } | Self::Yescrypt(_) | Self::Scrypt { .. } => 32,
            Self::Bcrypt { .. } => 23,
            Self::Sha512Crypt { .. } => 86,
            Self::Sha256Crypt { .. } => 43,
            Self::Pbkdf2 { digest, .. } | Self::Digest(digest) => digest.length(),
            Self::Apr1 | Self::Md5Crypt => 22,
            Self::DesCrypt => 11,
        }
    }

    /// Whether a hash of this length can be one of this function.
    pub(super) fn has_output(&self, length: usize) -> bool {
        match self {
            Self::Argon2 { .. } | Self::Yescrypt(_) | Self::Scrypt { .. } => {
                (16..=64).contains(&length)
            }
            _ => length == self.output(),
        }
    }

    /// Computes a hash of this length; `None` if the function cannot do that.
    pub(super) fn compute(&self, password: &[u8], salt: &[u8], length: usize) -> Option<Secret> {
        match self {
            Self::Argon2 { algorithm, version, memory, passes, lanes } => {
                let params = argon2::Params::new(*memory, *passes, *lanes, None).ok()?;
                let count = params.block_count();
                let argon2 = Argon2::new(*algorithm, *version, params);
                with_blocks(count, |blocks| {
                    filled(length, |hash| {
                        argon2.hash_password_into_with_memory(password, salt, hash, blocks).ok()
                    })
                })
            }
            Self::Bcrypt { cost } => bcrypt(*cost, password, salt),
            Self::Yescrypt(params) => {
                filled(length, |hash| yescrypt::yescrypt(password, salt, params, hash).ok())
            }
            Self::Scrypt { log_n, r, p } => {
                let params = scrypt::Params::new(*log_n, *r, *p).ok()?;
                filled(length, |hash| scrypt::scrypt(password, salt, &params, hash).ok())
            }
            Self::Sha512Crypt { rounds } => {
                let params = sha_crypt::Params::new(*rounds).ok()?;
                let hash = sha_crypt::sha512_crypt(password, salt, params);
                Some(crypt64::encode(&SHA_512_ORDER.map(|at| hash[at])).into())
            }
            Self::Sha256Crypt { rounds } => {
                let params = sha_crypt::Params::new(*rounds).ok()?;
                let hash = sha_crypt::sha256_crypt(password, salt, params);
                Some(crypt64::encode(&SHA_256_ORDER.map(|at| hash[at])).into())
            }
            Self::Pbkdf2 { digest, rounds } => filled(length, |hash| {
                match digest {
                    Kind::Md5 => return None,
                    Kind::Sha1 => pbkdf2_hmac::<Sha1>(password, salt, *rounds, hash),
                    Kind::Sha256 => pbkdf2_hmac::<Sha256>(password, salt, *rounds, hash),
                    Kind::Sha512 => pbkdf2_hmac::<Sha512>(password, salt, *rounds, hash),
                }
                Some(())
            }),
            Self::Apr1 => Some(md5_crypt::compute(password, salt, b"$apr1$").into()),
            Self::Md5Crypt => Some(md5_crypt::compute(password, salt, b"$1$").into()),
            Self::DesCrypt => Some(des::compute(password, *salt.first_chunk()?).into()),
            Self::Digest(kind) => Some(match kind {
                Kind::Md5 => digest::<Md5>(password, salt),
                Kind::Sha1 => digest::<Sha1>(password, salt),
                Kind::Sha256 => digest::<Sha256>(password, salt),
                Kind::Sha512 => digest::<Sha512>(password, salt),
            }),
        }
    }

    /// How much memory it uses, in bytes.
    pub(super) fn memory(&self) -> u64 {
        match self {
            Self::Argon2 { memory, .. } => u64::from(*memory) << 10,
            Self::Yescrypt(params) => blocks(params.n(), params.r(), params.p()),
            Self::Scrypt { log_n, r, p } => {
                blocks(1_u64.checked_shl((*log_n).into()).unwrap_or(u64::MAX), *r, *p)
            }
            _ => 8 << 10,
        }
    }

    /// How many bytes it writes, if it is memory-hard.
    fn work(&self) -> u64 {
        match self {
            Self::Argon2 { passes, .. } => self.memory().saturating_mul((*passes).into()),
            Self::Yescrypt(params) => self.memory().saturating_mul(params.p().into()),
            Self::Scrypt { p, .. } => self.memory().saturating_mul((*p).into()),
            _ => 0,
        }
    }

    /// Whether its cost is within the limits.
    pub(super) fn is_allowed(&self) -> bool {
        let parallel = match self {
            Self::Argon2 { memory, lanes, .. } => {
                argon2::Params::new(*memory, 1, *lanes, None).is_ok() && *lanes <= 64
            }
            Self::Bcrypt { cost } => (4..=MAX_BCRYPT_COST).contains(cost),
            // The crate does not say how often memory is passed (t). It is allowed to be 0 only.
            Self::Yescrypt(params) => {
                use yescrypt::Mode::{Classic, Rw, Worm};
                let (n, r, p) = (params.n(), params.r(), params.p());
                p <= 64
                    && n > 1
                    && [Classic, Worm, Rw]
                        .into_iter()
                        .any(|mode| yescrypt::Params::new(mode, n, r, p) == Ok(*params))
            }
            Self::Scrypt { log_n, r, p } => {
                (1..=32).contains(log_n) && (1..=1024).contains(r) && (1..=64).contains(p)
            }
            Self::Sha512Crypt { rounds } | Self::Sha256Crypt { rounds } => {
                (1000..=MAX_SHA_CRYPT_ROUNDS).contains(rounds)
            }
            Self::Pbkdf2 { rounds, .. } => (1..=MAX_PBKDF2_ROUNDS).contains(rounds),
            _ => true,
        };
        parallel && self.memory() <= MAX_MEMORY && self.work() <= MAX_WORK
    }

    /// Whether its cost is so low that passwords can be guessed.
    pub(super) fn is_cheap(&self) -> bool {
        const MIB: u64 = 1 << 20;
        match self {
            // OWASP's parameters with the least work are 7 MiB in five passes.
            Self::Argon2 { .. } => self.work() < 35 * MIB,
            Self::Scrypt { .. } => self.work() < 64 * MIB,
            Self::Yescrypt(_) => self.memory() < MIB,
            Self::Bcrypt { cost } => *cost < 10,
            Self::Sha512Crypt { rounds } | Self::Sha256Crypt { rounds } => *rounds < 5000,
            Self::Pbkdf2 { rounds, .. } => *rounds < 100_000,
            _ => true,
        }
    }
}

/// The memory of scrypt.
fn blocks(n: u64, r: u32, p: u32) -> u64 {
    n.saturating_add(p.into()).saturating_mul(128).saturating_mul(r.into())
}

fn filled(length: usize, fill: impl FnOnce(&mut [u8]) -> Option<()>) -> Option<Secret> {
    let mut hash = vec![0; length];
    fill(&mut hash)?;
    Some(Secret::new(hash))
}

/// The first 23 bytes of the hash, as all programs store it.
fn bcrypt(cost: u32, password: &[u8], salt: &[u8]) -> Option<Secret> {
    let mut key = password[..password.len().min(72)].to_vec();
    key.reserve_exact(1);
    if key.len() < 72 {
        key.push(0);
    }
    let key = Secret::new(key);
    let hash = bcrypt::bcrypt(cost, *salt.first_chunk()?, key.expose());
    Some(Secret::from(&hash[..23]))
}

fn digest<D: Digest>(password: &[u8], salt: &[u8]) -> Secret {
    let mut digest = D::new();
    digest.update(password);
    digest.update(salt);
    Secret::from(&digest.finalize()[..])
}

const SHA_256_ORDER: [usize; 32] = [
    20, 10, 0, 11, 1, 21, 2, 22, 12, 23, 13, 3, 14, 4, 24, 5, 25, 15, 26, 16, 6, 17, 7, 27, 8, 28,
    18, 29, 19, 9, 30, 31,
];

const SHA_512_ORDER: [usize; 64] = [
    42, 21, 0, 1, 43, 22, 23, 2, 44, 45, 24, 3, 4, 46, 25, 26, 5, 47, 48, 27, 6, 7, 49, 28, 29, 8,
    50, 51, 30, 9, 10, 52, 31, 32, 11, 53, 54, 33, 12, 13, 55, 34, 35, 14, 56, 57, 36, 15, 16, 58,
    37, 38, 17, 59, 60, 39, 18, 19, 61, 40, 41, 20, 62, 63,
];
