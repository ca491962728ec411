use argon2::{Algorithm, Version};
use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, STANDARD, STANDARD_NO_PAD};
use keyward_core::{Secret, hex};

use super::compute::{Function, Kind};
use super::{Hash, crypt64};
use crate::Unusable;

/// The longest text of a hash. The longest that a known program writes has about 200 characters.
const MAX: usize = 1024;

/// The longest salt.
const MAX_SALT: usize = 128;

/// The Base64 of bcrypt. Old programs left bits in the last digit that have no meaning.
pub(super) const BCRYPT_BASE64: GeneralPurpose =
    GeneralPurpose::new(&BCRYPT, NO_PAD.with_decode_allow_trailing_bits(true));

type Parsed = Result<Hash, Unusable>;

pub(super) fn parse(stored: &[u8]) -> Parsed {
    if matches!(stored.first(), None | Some(b'!' | b'*')) {
        return Err(Unusable::Locked);
    }
    if stored.len() > MAX {
        return Err(Unusable::Malformed);
    }
    let text = std::str::from_utf8(stored).map_err(|_| Unusable::Malformed)?;
    let hash = match text.strip_prefix('{') {
        Some(rest) => {
            let (scheme, hash) = rest.split_once('}').ok_or(Unusable::Malformed)?;
            prefixed(&scheme.to_ascii_uppercase(), hash)
        }
        None => crypt(text),
    }?;
    match hash {
        _ if !hash.function.is_allowed() => Err(Unusable::TooCostly),
        _ if hash.salt.len() > MAX_SALT => Err(Unusable::Malformed),
        _ if !hash.function.has_output(hash.expected.len()) => Err(Unusable::Malformed),
        _ => Ok(hash),
    }
}

/// Reads what LDAP (RFC 2307) and Dovecot write.
fn prefixed(scheme: &str, hash: &str) -> Parsed {
    let (scheme, encoding) = scheme.split_once('.').unwrap_or((scheme, ""));
    match scheme {
        "CRYPT" => return crypt(hash),
        "BLF-CRYPT" => return starts(hash, &["$2"]),
        "ARGON2" => return starts(hash, &["$argon2"]),
        "ARGON2I" => return starts(hash, &["$argon2i$"]),
        "ARGON2ID" => return starts(hash, &["$argon2id$"]),
        "SHA256-CRYPT" => return starts(hash, &["$5$"]),
        "SHA512-CRYPT" => return starts(hash, &["$6$"]),
        "MD5-CRYPT" | "MD5" => return starts(hash, &["$1$", "$apr1$"]),
        "PBKDF2" => return dovecot_pbkdf2(hash),
        "DES-CRYPT" => return des(hash),
        _ => {}
    }
    let (kind, salted, is_hex) = match scheme {
        "PLAIN-MD5" => (Kind::Md5, false, true),
        "LDAP-MD5" => (Kind::Md5, false, false),
        "SMD5" => (Kind::Md5, true, false),
        "SHA" | "SHA1" => (Kind::Sha1, false, false),
        "SSHA" => (Kind::Sha1, true, false),
        "SHA256" => (Kind::Sha256, false, false),
        "SSHA256" => (Kind::Sha256, true, false),
        "SHA512" => (Kind::Sha512, false, false),
        "SSHA512" => (Kind::Sha512, true, false),
        _ => return Err(Unusable::Unknown),
    };
    let bytes = match encoding {
        "HEX" => unhex(hash)?,
        "B64" | "BASE64" => unbase64(hash)?,
        "" if is_hex => unhex(hash)?,
        "" => unbase64(hash)?,
        _ => return Err(Unusable::Unknown),
    };
    let (expected, salt) =
        bytes.expose().split_at_checked(kind.length()).ok_or(Unusable::Malformed)?;
    if salted == salt.is_empty() {
        return Err(Unusable::Malformed);
    }
    Ok(new(Function::Digest(kind), salt, expected.into()))
}

fn starts(hash: &str, starts: &[&str]) -> Parsed {
    match starts.iter().any(|start| hash.starts_with(start)) {
        true => crypt(hash),
        false => Err(Unusable::Malformed),
    }
}

/// Reads what crypt(3) and the PHC string format write.
fn crypt(text: &str) -> Parsed {
    let Some(fields) = text.strip_prefix('$') else { return des(text) };
    let (scheme, rest) = fields.split_once('$').ok_or(Unusable::Malformed)?;
    match scheme {
        "argon2id" => argon2(Algorithm::Argon2id, rest),
        "argon2i" => argon2(Algorithm::Argon2i, rest),
        "argon2d" => argon2(Algorithm::Argon2d, rest),
        "2a" | "2b" | "2y" => bcrypt(rest),
        "y" => yescrypt(rest),
        "scrypt" => scrypt(rest),
        "6" => sha_crypt(rest, |rounds| Function::Sha512Crypt { rounds }),
        "5" => sha_crypt(rest, |rounds| Function::Sha256Crypt { rounds }),
        "pbkdf2-sha512" => passlib_pbkdf2(Kind::Sha512, rest),
        "pbkdf2-sha256" => passlib_pbkdf2(Kind::Sha256, rest),
        "pbkdf2" => passlib_pbkdf2(Kind::Sha1, rest),
        "apr1" => md5_crypt(Function::Apr1, rest),
        "1" => md5_crypt(Function::Md5Crypt, rest),
        _ => Err(Unusable::Unknown),
    }
}

/// `v=19$m=19456,t=2,p=1$SALT$HASH`; the version is missing in hashes of version 16.
fn argon2(algorithm: Algorithm, rest: &str) -> Parsed {
    let (version, rest) = match rest.split_once('$') {
        Some(("v=19", rest)) => (Version::V0x13, rest),
        Some(("v=16", rest)) => (Version::V0x10, rest),
        _ => (Version::V0x10, rest),
    };
    let [costs, salt, hash] = fields(rest)?;
    let [memory, passes, lanes] = parameters(costs, ["m", "t", "p"])?;
    let function = Function::Argon2 { algorithm, version, memory, passes, lanes };
    let salt = unbase64(salt)?;
    if salt.len() < argon2::MIN_SALT_LEN || passes == 0 {
        return Err(Unusable::Malformed);
    }
    Ok(new(function, salt.expose(), unbase64(hash)?))
}

/// `12$` and 53 digits.
fn bcrypt(rest: &str) -> Parsed {
    let (cost, digits) = rest.split_once('$').ok_or(Unusable::Malformed)?;
    let cost = (cost.len() == 2).then(|| number(cost)).flatten().ok_or(Unusable::Malformed)?;
    let (salt, hash) = digits.split_at_checked(22).ok_or(Unusable::Malformed)?;
    let salt = unbits(salt)?;
    Ok(new(Function::Bcrypt { cost }, salt.expose(), unbits(hash)?))
}

fn unbits(text: &str) -> Result<Secret, Unusable> {
    BCRYPT_BASE64.decode(text).map(Secret::new).map_err(|_| Unusable::Malformed)
}

fn yescrypt(rest: &str) -> Parsed {
    let [params, salt, hash] = fields(rest)?;
    let params = params.parse().map_err(|_| Unusable::Malformed)?;
    let decode =
        |text: &str| crypt64::decode(text.as_bytes()).map(Secret::new).ok_or(Unusable::Malformed);
    Ok(new(Function::Yescrypt(params), decode(salt)?.expose(), decode(hash)?))
}

/// `ln=17,r=8,p=1$SALT$HASH`.
fn scrypt(rest: &str) -> Parsed {
    let [costs, salt, hash] = fields(rest)?;
    let [log_n, r, p] = parameters(costs, ["ln", "r", "p"])?;
    let log_n = u8::try_from(log_n).map_err(|_| Unusable::Malformed)?;
    Ok(new(Function::Scrypt { log_n, r, p }, unbase64(salt)?.expose(), unbase64(hash)?))
}

/// `rounds=5000$SALT$HASH`; the number of rounds may be missing.
fn sha_crypt(rest: &str, function: impl FnOnce(u32) -> Function) -> Parsed {
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        Some(rest) => {
            let (rounds, rest) = rest.split_once('$').ok_or(Unusable::Malformed)?;
            // The reference says that fewer rounds are 1000.
            (number(rounds).ok_or(Unusable::Malformed)?.max(1000), rest)
        }
        None => (5000, rest),
    };
    let [salt, hash] = fields(rest)?;
    // The reference ignores the rest of a longer salt.
    let salt = salt.as_bytes();
    Ok(new(function(rounds), &salt[..salt.len().min(16)], hash.into()))
}

/// `29000$SALT$HASH`, in Base64 with `.` for `+` and without padding.
fn passlib_pbkdf2(digest: Kind, rest: &str) -> Parsed {
    let [rounds, salt, hash] = fields(rest)?;
    let rounds = number(rounds).ok_or(Unusable::Malformed)?;
    let decode = |text: &str| unbase64(&text.replace('.', "+"));
    Ok(new(Function::Pbkdf2 { digest, rounds }, decode(salt)?.expose(), decode(hash)?))
}

/// `$1$SALT$5000$` and the hash in hexadecimal.
fn dovecot_pbkdf2(text: &str) -> Parsed {
    let rest = text.strip_prefix("$1$").ok_or(Unusable::Malformed)?;
    let [salt, rounds, hash] = fields(rest)?;
    let rounds = number(rounds).ok_or(Unusable::Malformed)?;
    let function = Function::Pbkdf2 { digest: Kind::Sha1, rounds };
    Ok(new(function, salt.as_bytes(), unhex(hash)?))
}

fn md5_crypt(function: Function, rest: &str) -> Parsed {
    let [salt, hash] = fields(rest)?;
    let salt = salt.as_bytes();
    Ok(new(function, &salt[..salt.len().min(8)], hash.into()))
}

/// Two characters of salt, eleven of the hash.
fn des(text: &str) -> Parsed {
    if text.len() != 13 || !text.bytes().all(|byte| crypt64::value(byte).is_some()) {
        return Err(Unusable::Unknown);
    }
    let (salt, hash) = text.as_bytes().split_at(2);
    Ok(new(Function::DesCrypt, salt, hash.into()))
}

fn new(function: Function, salt: &[u8], expected: Secret) -> Hash {
    Hash { function, salt: salt.to_vec(), expected }
}

/// Splits text at `$` into exactly this many parts.
fn fields<const N: usize>(text: &str) -> Result<[&str; N], Unusable> {
    let mut parts = text.split('$');
    let mut fields = [""; N];
    for field in &mut fields {
        *field = parts.next().ok_or(Unusable::Malformed)?;
    }
    parts.next().is_none().then_some(fields).ok_or(Unusable::Malformed)
}

/// Reads `m=1,t=2,p=3`, in this order.
fn parameters<const N: usize>(text: &str, names: [&str; N]) -> Result<[u32; N], Unusable> {
    let mut pairs = text.split(',');
    let mut values = [0; N];
    for (name, value) in names.iter().zip(&mut values) {
        let pair = pairs.next().and_then(|pair| pair.split_once('='));
        let (_, text) = pair.filter(|(key, _)| key == name).ok_or(Unusable::Malformed)?;
        *value = number(text).ok_or(Unusable::Malformed)?;
    }
    pairs.next().is_none().then_some(values).ok_or(Unusable::Malformed)
}

fn number(text: &str) -> Option<u32> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

fn unhex(text: &str) -> Result<Secret, Unusable> {
    let mut bytes = vec![0; text.len() / 2];
    let read = hex::decode(text.as_bytes(), &mut bytes);
    let bytes = Secret::new(bytes);
    read.map(|()| bytes).ok_or(Unusable::Malformed)
}

fn unbase64(text: &str) -> Result<Secret, Unusable> {
    let engine = if text.ends_with('=') { STANDARD } else { STANDARD_NO_PAD };
    engine.decode(text).map(Secret::new).map_err(|_| Unusable::Malformed)
}
