//! What the verifiers of each form look like.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward_core::{Verifier, VerifierForm, hex};

/// Whether the value of a verifier is written as its form says.
pub(super) fn is_well_formed(verifier: &Verifier) -> bool {
    let Some(text) = verifier.value.expose_str() else { return false };
    match verifier.form {
        VerifierForm::Plaintext => !text.is_empty(),
        VerifierForm::PasswordHash => {
            text.starts_with(['$', '{', '_']) && is_graphic(text) || is_des(text)
        }
        VerifierForm::ScramSha256 => is_scram(text, "SCRAM-SHA-256", 32),
        VerifierForm::ScramSha1 => is_scram(text, "SCRAM-SHA-1", 20),
        VerifierForm::Ha1 => is_ha1(text),
        VerifierForm::Md5 => is_hex(text, 16),
        VerifierForm::OneTimePassword => {
            let uri = text.strip_prefix("otpauth://").unwrap_or_default();
            ["totp/", "hotp/"].iter().any(|kind| uri.starts_with(kind)) && uri.contains("secret=")
        }
        VerifierForm::RecoveryCode | VerifierForm::Token | VerifierForm::Certificate => {
            is_hex(text, 32)
        }
        // A form that this version does not know.
        _ => true,
    }
}

fn is_graphic(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_des(text: &str) -> bool {
    let is_salt = |byte: u8| byte.is_ascii_alphanumeric() || b"./".contains(&byte);
    text.len() == 13 && text.bytes().all(is_salt)
}

fn is_scram(text: &str, name: &str, size: usize) -> bool {
    let parts: Vec<_> = text.split('$').collect();
    let [scheme, cost, keys] = parts[..] else { return false };
    let (Some((rounds, salt)), Some((stored, server))) =
        (cost.split_once(':'), keys.split_once(':'))
    else {
        return false;
    };
    let is_key = |key: &str| STANDARD.decode(key).is_ok_and(|key| key.len() == size);
    scheme == name
        && rounds.parse::<u32>().is_ok_and(|rounds| rounds > 0)
        && STANDARD.decode(salt).is_ok_and(|salt| !salt.is_empty())
        && is_key(stored)
        && is_key(server)
}

/// `ALGORITHM:REALM:HEX`. A realm may contain colons.
fn is_ha1(text: &str) -> bool {
    let rest = text
        .split_once(':')
        .and_then(|(algorithm, rest)| Some((algorithm, rest.rsplit_once(':')?.1)));
    match rest {
        Some(("MD5", hash)) => is_hex(hash, 16),
        Some(("SHA-256" | "SHA-512-256", hash)) => is_hex(hash, 32),
        _ => false,
    }
}

fn is_hex(text: &str, size: usize) -> bool {
    hex::decode(text.as_bytes(), &mut vec![0; size]).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_its_form() {
        use VerifierForm::*;
        let zeros = "0".repeat(64);
        let key = STANDARD.encode([0; 32]);
        let scram = format!("SCRAM-SHA-256$4096:c2FsdA==${key}:{key}");
        for (form, good, bad) in [
            (Plaintext, "open sesame", ""),
            (PasswordHash, "$6$salt$hash", "open sesame"),
            (PasswordHash, "{SSHA}aGFzaA==", "{SSHA} x"),
            (PasswordHash, "rl.3StKT.4T8M", "rl.3StKT.4T8M."),
            (ScramSha256, &scram, "SCRAM-SHA-256$0:c2FsdA==$aa:aa"),
            (
                ScramSha1,
                "SCRAM-SHA-1$1:c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                &scram,
            ),
            (Ha1, &format!("SHA-256:a:b:{zeros}"), &format!("MD5:a:b:{zeros}")),
            (Md5, &zeros[..32], &zeros),
            (OneTimePassword, "otpauth://totp/ann?secret=AAAA", "AAAA"),
            (Token, &zeros, "token"),
        ] {
            let is = |value: &str| is_well_formed(&Verifier::new(form, value));
            assert!(is(good) && !is(bad), "{form:?} {good}");
        }
    }
}
