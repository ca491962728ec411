use argon2::Algorithm;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use keyward_core::{Secret, hex};

use super::compute::{Function, Kind};
use super::parse::BCRYPT_BASE64;
use super::{Scheme, crypt64};

/// Writes a hash as the program that knows it best.
pub(super) fn write(function: &Function, scheme: Scheme, salt: &[u8], hash: &Secret) -> Secret {
    let bytes = hash.expose();
    let base64 = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
    // Where the salt and the hash are text, they are ASCII.
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Secret::from(match function {
        Function::Argon2 { algorithm, version, memory, passes, lanes } => {
            let name = match algorithm {
                Algorithm::Argon2id => "argon2id",
                Algorithm::Argon2i => "argon2i",
                Algorithm::Argon2d => "argon2d",
            };
            let version = *version as u32;
            let (salt, hash) = (base64(salt), base64(bytes));
            format!("${name}$v={version}$m={memory},t={passes},p={lanes}${salt}${hash}")
        }
        // `$2y$` is what Apache and all others read.
        Function::Bcrypt { cost } => {
            let (salt, hash) = (BCRYPT_BASE64.encode(salt), BCRYPT_BASE64.encode(bytes));
            format!("$2y${cost:02}${salt}{hash}")
        }
        Function::Yescrypt(params) => {
            format!("$y${params}${}${}", crypt64::encode(salt), crypt64::encode(bytes))
        }
        Function::Scrypt { log_n, r, p } => {
            format!("$scrypt$ln={log_n},r={r},p={p}${}${}", base64(salt), base64(bytes))
        }
        Function::Sha512Crypt { rounds } => sha_crypt("6", *rounds, &text(salt), &text(bytes)),
        Function::Sha256Crypt { rounds } => sha_crypt("5", *rounds, &text(salt), &text(bytes)),
        Function::Pbkdf2 { digest: Kind::Sha1, rounds } => {
            format!("{{PBKDF2}}$1${}${rounds}${}", text(salt), hex::encode(bytes))
        }
        Function::Pbkdf2 { rounds, .. } => {
            let ab64 = |bytes: &[u8]| base64(bytes).replace('+', ".");
            format!("${}${rounds}${}${}", scheme.name(), ab64(salt), ab64(bytes))
        }
        Function::Apr1 => format!("$apr1${}${}", text(salt), text(bytes)),
        Function::Md5Crypt => format!("$1${}${}", text(salt), text(bytes)),
        Function::DesCrypt => text(salt) + &text(bytes),
        Function::Digest(_) => {
            let prefix = scheme.prefix().unwrap_or_default();
            format!("{prefix}{}", STANDARD.encode([bytes, salt].concat()))
        }
    })
}

fn sha_crypt(id: &str, rounds: u32, salt: &str, hash: &str) -> String {
    match rounds {
        5000 => format!("${id}${salt}${hash}"),
        _ => format!("${id}$rounds={rounds}${salt}${hash}"),
    }
}
