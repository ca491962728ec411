use std::hint::black_box;

use keyward_core::{Secret, Verifier, VerifierForm};
use sha2::digest::Digest;
use subtle::ConstantTimeEq;

use crate::ha1::Ha1;
use crate::hash::Hash;
use crate::scram::{self, Scram};
use crate::{MAX_PASSWORD, Unusable};

/// Checks a user's password against a verifier of any form that a password can be checked against.
///
/// The password must be prepared as the verifier's was. The empty password is wrong.
///
/// # Errors
/// Why the verifier cannot be used; [`Unusable::Unknown`] if its form is not one for passwords. The user
/// cannot log in with it.
pub fn password(verifier: &Verifier, user: &str, password: &Secret) -> Result<bool, Unusable> {
    match verifier.form {
        VerifierForm::Plaintext => {
            let usable = !password.is_empty() && password.len() <= MAX_PASSWORD;
            Ok((verifier.value == *password) & usable)
        }
        VerifierForm::PasswordHash => Ok(Hash::parse(&verifier.value)?.verify(password)),
        VerifierForm::ScramSha256 | VerifierForm::ScramSha1 => {
            let scram = Scram::parse(&verifier.value)?;
            match scram.algorithm.form() == verifier.form {
                true => Ok(scram.verify(password)),
                false => Err(Unusable::Malformed),
            }
        }
        VerifierForm::Ha1 => Ok(Ha1::parse(&verifier.value)?.verify(user, password)),
        VerifierForm::Md5 => {
            let mut expected = [0; 16];
            let read = keyward_core::hex::decode(verifier.value.expose(), &mut expected);
            read.ok_or(Unusable::Malformed)?;
            let found = md5::Md5::digest(password.expose());
            Ok(bool::from(found[..].ct_eq(&expected)) & !password.is_empty())
        }
        _ => Err(Unusable::Unknown),
    }
}

/// Does what [`password`] does with this verifier, and says nothing: for a user who does not exist, with
/// the verifier of another one.
pub fn imitate(verifier: &Verifier, user: &str, secret: &Secret) {
    let _ = black_box(password(verifier, user, black_box(secret)));
}

/// How many bytes of memory [`password`] uses with this verifier; a small number if it cannot be used.
pub fn memory(verifier: &Verifier) -> u64 {
    match verifier.form {
        VerifierForm::PasswordHash => Hash::parse(&verifier.value).map_or(0, |hash| hash.memory()),
        _ => 0,
    }
}

/// Reads what files of passwords contain instead of a password, with an optional prefix in braces: a hash,
/// a SCRAM verifier, or after `{PLAIN}` and `{CLEARTEXT}` the password itself.
///
/// # Errors
/// Why it cannot be used.
pub fn read(stored: &Secret) -> Result<Verifier, Unusable> {
    let bytes = stored.expose();
    let has_prefix = |prefix: &str| {
        bytes.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    for prefix in ["{PLAIN}", "{CLEARTEXT}", "{CLEAR}"] {
        if has_prefix(prefix) {
            return Ok(Verifier::new(VerifierForm::Plaintext, &bytes[prefix.len()..]));
        }
    }
    for algorithm in [scram::Algorithm::Sha256, scram::Algorithm::Sha1] {
        let name = algorithm.name();
        if has_prefix(&format!("{name}$")) || has_prefix(&format!("{{{name}}}")) {
            return Ok(Verifier::new(algorithm.form(), Scram::parse(stored)?.write()));
        }
    }
    Hash::parse(stored)?;
    Ok(Verifier::new(VerifierForm::PasswordHash, stored.clone()))
}

/// Returns the name of what a verifier is: that of the scheme of a hash, such as `argon2id`, or one such
/// as `plaintext` and `scram-sha-256`.
pub fn describe(verifier: &Verifier) -> &'static str {
    match verifier.form {
        VerifierForm::Plaintext => "plaintext",
        VerifierForm::PasswordHash => {
            Hash::parse(&verifier.value).map_or("unusable", |hash| hash.scheme().name())
        }
        VerifierForm::ScramSha256 => "scram-sha-256",
        VerifierForm::ScramSha1 => "scram-sha-1",
        VerifierForm::Ha1 => "digest",
        VerifierForm::Md5 => "md5",
        VerifierForm::OneTimePassword => "one-time-password",
        VerifierForm::RecoveryCode => "recovery-code",
        VerifierForm::Token => "token",
        VerifierForm::Certificate => "certificate",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{self, Scheme};

    #[test]
    fn a_password_is_checked_against_every_form() {
        let secret = Secret::from("secret");
        let scram = |algorithm| Scram::make(algorithm, &secret, 4096).unwrap().write();
        let hash = hash::make(Scheme::Bcrypt, &secret, Some(4)).unwrap();
        for (form, value) in [
            (VerifierForm::Plaintext, secret.clone()),
            (VerifierForm::PasswordHash, hash),
            (VerifierForm::ScramSha256, scram(scram::Algorithm::Sha256)),
            (VerifierForm::ScramSha1, scram(scram::Algorithm::Sha1)),
            (VerifierForm::Ha1, "".into()),
            (VerifierForm::Md5, "5ebe2294ecd0e0f08eab7690d2a6ee69".into()),
        ] {
            let verifier = match form {
                VerifierForm::Ha1 => {
                    let made = Ha1::make(crate::ha1::Algorithm::Md5, "ann", "r", &secret);
                    Verifier::new(form, made.write())
                }
                _ => Verifier::new(form, value),
            };
            assert_eq!(password(&verifier, "ann", &secret), Ok(true), "{form:?}");
            assert_eq!(password(&verifier, "ann", &"Secret".into()), Ok(false), "{form:?}");
            assert_eq!(password(&verifier, "ann", &"".into()), Ok(false), "{form:?}");
            imitate(&verifier, "nobody", &secret);
        }
        let empty = Verifier::new(VerifierForm::Plaintext, "");
        assert_eq!(password(&empty, "ann", &"".into()), Ok(false));
        let token = Verifier::new(VerifierForm::Token, crate::fingerprint(b"secret"));
        assert_eq!(password(&token, "ann", &secret), Err(Unusable::Unknown));
    }

    #[test]
    fn the_form_is_found_from_what_is_stored() {
        let read = |stored: &str| read(&stored.into()).map(|verifier| verifier.form);
        assert_eq!(read("{plain}a:b"), Ok(VerifierForm::Plaintext));
        assert_eq!(read("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="), Ok(VerifierForm::PasswordHash));
        assert_eq!(read("a:b"), Err(Unusable::Unknown));
        assert_eq!(read("{SCRAM-SHA-1}x"), Err(Unusable::Malformed));
        let keys = "6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=";
        let scram = format!("{{SCRAM-SHA-1}}4096,QSXC,{keys}");
        assert_eq!(read(&scram), Ok(VerifierForm::ScramSha1));
        let plain = super::read(&"{PLAIN}a:b".into()).unwrap();
        assert_eq!(plain.value.expose(), b"a:b");
    }

    #[test]
    fn a_fingerprint_matches_its_secret_only() {
        let stored = crate::fingerprint(b"token");
        assert_eq!(stored.len(), 64);
        assert!(crate::matches_fingerprint(&stored, b"token"));
        assert!(!crate::matches_fingerprint(&stored, b"tokens"));
        assert!(!crate::matches_fingerprint(&"".into(), b"token"));
        assert!(!crate::matches_fingerprint(&crate::fingerprint(b""), b""));
    }
}
