//! One-time passwords (RFC 4226, RFC 6238) and recovery codes.
//!
//! The functions here are pure: the caller keeps which step was accepted last, and which recovery codes
//! are used, in a place that changes by compare-and-swap. Otherwise a code could be used twice.

use std::io::Write;

use base32ct::{Base32UpperUnpadded, Encoding};
use keyward_core::{Error, Result, Secret, SecretWriter, Timestamp};
use keyward_fs::random;
use keyward_kinds::{Moving, OtpAuth};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::Unusable;

/// The widest window of steps: with more of them, a guess could be right too often.
pub const MAX_WINDOW: u64 = 100;

/// How many recovery codes a user gets.
pub const RECOVERY_CODES: usize = 10;

/// Finds the step whose code this is.
///
/// `stored` is an `otpauth` URI or a secret in Base32. If the codes go by time, the `window` steps
/// before and after `now` are tried; if they go by counter, that of the URI and the next `window`. With
/// `last`, the step that was accepted last, only later steps are tried; by counter, those that follow it.
///
/// # Errors
/// Why `stored` cannot be used.
///
/// # Security
/// All steps are tried, whichever matches. A caller that accepts a code stores the step as the next
/// `last` before it lets the user in.
///
/// # Examples
/// ```
/// use keyward_core::Timestamp;
/// use keyward_verifier::otp;
///
/// let seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into();
/// let now = Timestamp::from_unix(59);
/// assert_eq!(otp::match_code(&seed, &"287082".into(), now, 1, None), Ok(Some(1)));
/// assert_eq!(otp::match_code(&seed, &"287082".into(), now, 1, Some(1)), Ok(None));
/// ```
pub fn match_code(
    stored: &Secret,
    code: &Secret,
    now: Timestamp,
    window: u64,
    last: Option<u64>,
) -> Result<Option<u64>, Unusable> {
    let seed = read(stored)?;
    let window = window.min(MAX_WINDOW);
    let (first, end) = match seed.moving() {
        Moving::Time { period } => {
            let step = now.as_unix() / period;
            (step.saturating_sub(window), step.saturating_add(window))
        }
        Moving::Counter { start } => {
            let first = last.map_or(start, |last| last.saturating_add(1).max(start));
            (first, first.saturating_add(window))
        }
    };
    let (mut found, mut matched) = (Choice::from(0), 0);
    for step in first..=end {
        let later = Choice::from(u8::from(last.is_none_or(|last| step > last)));
        let same = seed.code_at(step).expose().ct_eq(code.expose()) & later;
        matched.conditional_assign(&step, same & !found);
        found |= same;
    }
    Ok(bool::from(found).then_some(matched))
}

/// Reads an `otpauth` URI or a secret in Base32.
///
/// # Errors
/// Why it cannot be used.
pub fn read(stored: &Secret) -> Result<OtpAuth, Unusable> {
    let is_uri = stored.expose().contains(&b':');
    match is_uri {
        true => OtpAuth::parse(stored),
        false => OtpAuth::from_base32(stored),
    }
    .map_err(|_| Unusable::Malformed)
}

/// Returns the `otpauth` URI of what is stored: an `otpauth` URI, or a secret in Base32 that may contain
/// blanks.
///
/// # Errors
/// Why it cannot be used.
pub fn uri(stored: &Secret) -> Result<Secret, Unusable> {
    let mut uri = stored.clone();
    if !stored.expose().contains(&b':') {
        // Only a secret comes after `secret=`, and no other parameter.
        let is_secret = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'=');
        if !stored.expose().iter().all(is_secret) {
            return Err(Unusable::Malformed);
        }
        let start = b"otpauth://totp/?secret=";
        let mut text = Vec::with_capacity(start.len() + stored.len());
        text.extend_from_slice(start);
        text.extend(stored.expose().iter().filter(|byte| **byte != b' '));
        uri = Secret::new(text);
    }
    read(&uri)?;
    Ok(uri)
}

/// Makes the `otpauth` URI of a new secret of 160 random bits, for one-time passwords by time. `user`
/// and `issuer` are what an app shows.
///
/// # Errors
/// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if there are no random bytes.
pub fn make(issuer: &str, user: &str) -> Result<Secret> {
    let mut uri = SecretWriter::new();
    let escape = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    // A writer in memory without limit has no errors.
    let _ = write!(uri, "otpauth://totp/{}:{}?secret=", escape(issuer), escape(user));
    let mut text = Zeroizing::new([0; 32]);
    let seed = Zeroizing::new(random::<20>()?);
    let encoded = Base32UpperUnpadded::encode(&*seed, &mut *text);
    let _ = uri.write_all(encoded.map_err(|_| Error::corrupt("encode"))?.as_bytes());
    let _ = write!(uri, "&issuer={}", escape(issuer));
    Ok(uri.finish())
}

/// Makes recovery codes of 80 random bits each, such as `b4xd-7qkm-z2ra-5tne`. The server keeps their
/// [`fingerprint`](crate::fingerprint), after [`canonical_recovery_code`].
///
/// # Errors
/// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if there are no random bytes.
pub fn recovery_codes() -> Result<[Secret; RECOVERY_CODES]> {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut codes: [Secret; RECOVERY_CODES] = Default::default();
    for code in &mut codes {
        let digits = random::<16>()?.map(|byte| DIGITS[usize::from(byte & 31)]);
        *code = Secret::new(digits.chunks(4).collect::<Vec<_>>().join(&b'-'));
    }
    Ok(codes)
}

/// Removes what people add to or change in a recovery code that they type: hyphens, spaces, capital
/// letters.
pub fn canonical_recovery_code(code: &Secret) -> Secret {
    let mut kept = Vec::with_capacity(code.len());
    kept.extend(code.expose().iter().filter(|byte| !matches!(byte, b'-' | b' ')));
    kept.make_ascii_lowercase();
    Secret::new(kept)
}

/// Returns the [`fingerprint`](crate::fingerprint) of a recovery code, as the server keeps it.
pub fn recovery_fingerprint(code: &Secret) -> Secret {
    crate::fingerprint(canonical_recovery_code(code).expose())
}

/// Whether a stored fingerprint is that of this recovery code.
pub fn matches_recovery_code(stored: &Secret, code: &Secret) -> bool {
    crate::matches_fingerprint(stored, canonical_recovery_code(code).expose())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn step_of(code: &str, time: u64, window: u64, last: Option<u64>) -> Option<u64> {
        let now = Timestamp::from_unix(time);
        match_code(&SEED.into(), &code.into(), now, window, last).unwrap()
    }

    /// The codes of RFC 4226, appendix D, are those of the first steps.
    #[test]
    fn a_code_is_right_within_the_window_and_once() {
        assert_eq!(step_of("755224", 0, 0, None), Some(0));
        assert_eq!(step_of("287082", 30, 0, None), Some(1));
        assert_eq!(step_of("287082", 0, 0, None), None);
        assert_eq!(step_of("287082", 0, 1, None), Some(1));
        assert_eq!(step_of("287082", 89, 1, None), Some(1));
        assert_eq!(step_of("287082", 90, 1, None), None);
        assert_eq!(step_of("287082", 59, 1, Some(0)), Some(1));
        assert_eq!(step_of("287082", 59, 1, Some(1)), None);
        assert_eq!(step_of("287082", 59, 1, Some(2)), None);
        for wrong in ["", "28708", "2870820", "x", " 287082"] {
            assert_eq!(step_of(wrong, 59, 1, None), None, "{wrong}");
        }
        assert_eq!(step_of("287082", u64::MAX, u64::MAX, None), None);
    }

    #[test]
    fn a_counter_goes_on_after_the_last_step() {
        let uri = format!("otpauth://hotp/x?secret={SEED}&counter=1");
        let with = |code: &str, last| {
            match_code(&uri.as_str().into(), &code.into(), Timestamp::from_unix(0), 2, last)
                .unwrap()
        };
        assert_eq!(with("755224", None), None);
        assert_eq!(with("287082", None), Some(1));
        assert_eq!(with("969429", None), Some(3));
        assert_eq!(with("338314", None), None);
        assert_eq!(with("338314", Some(1)), Some(4));
        assert_eq!(with("969429", Some(3)), None);
        assert_eq!(with("969429", Some(u64::MAX)), None);
    }

    #[test]
    fn what_is_no_seed_is_refused() {
        for wrong in ["", "not base 32!", "otpauth://totp/x", "https://example.com/"] {
            let read = match_code(&wrong.into(), &"1".into(), Timestamp::from_unix(0), 1, None);
            assert_eq!(read, Err(Unusable::Malformed), "{wrong}");
        }
    }

    #[test]
    fn a_secret_alone_becomes_a_uri() {
        let now = Timestamp::from_unix(59);
        for stored in
            ["GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ", "gezdgnbvgy3tqojqgezdgnbvgy3tqojq"]
        {
            let uri = uri(&stored.into()).unwrap();
            assert_eq!(match_code(&uri, &"287082".into(), now, 0, None), Ok(Some(1)));
        }
        for wrong in ["", "canary!", "a&digits=8", "GEZDGNBV&period=1", "otpauth://totp/x"] {
            assert_eq!(uri(&wrong.into()), Err(Unusable::Malformed), "{wrong}");
        }
    }

    #[test]
    fn recovery_codes_are_different_and_read_as_people_type_them() {
        let codes = recovery_codes().unwrap();
        for (at, code) in codes.iter().enumerate() {
            assert_eq!(code.len(), 19);
            let stored = recovery_fingerprint(code);
            assert_eq!(
                codes.iter().position(|code| matches_recovery_code(&stored, code)),
                Some(at)
            );
            let typed = code.expose_str().unwrap().to_uppercase().replace('-', " ");
            assert!(matches_recovery_code(&stored, &typed.as_str().into()));
        }
        let nothing = recovery_fingerprint(&"".into());
        assert!(!matches_recovery_code(&nothing, &"".into()));
        assert!(!matches_recovery_code(&nothing, &"-".into()));
    }
}
