//! One-time passwords: by time (RFC 6238) or by counter (RFC 4226), and the `otpauth://` URIs in which
//! services hand out their secrets.
//!
//! The code is here, and not from a crate, because those keep the secret and the URI in memory that
//! nothing wipes. The hash functions are from crates.

use std::fmt;

use base32ct::{Base32UpperUnpadded, Encoding};
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use keyward_core::{Secret, Timestamp};
use percent_encoding::percent_decode;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

const TIMED: &str = "otpauth://totp/";
const COUNTED: &str = "otpauth://hotp/";

/// The longest secret, in bytes.
const MAX_SECRET: usize = 1024;

/// A one-time password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OneTimeCode {
    /// The digits.
    pub code: Secret,
    /// When the next one replaces it.
    pub expires: Timestamp,
}

#[derive(Clone, Copy)]
enum Algorithm {
    Sha1,
    Sha256,
    Sha512,
}

/// What moves a generator of one-time passwords to its next code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moving {
    /// The time: there is a code for each period of this many seconds (RFC 6238).
    Time {
        /// The seconds.
        period: u64,
    },
    /// A counter that begins here (RFC 4226).
    Counter {
        /// The first step.
        start: u64,
    },
}

/// A generator of one-time passwords: what an `otpauth` URI contains.
#[derive(Clone)]
pub struct OtpAuth {
    secret: Secret,
    algorithm: Algorithm,
    digits: u32,
    moving: Moving,
}

impl fmt::Debug for OtpAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtpAuth").field("moving", &self.moving).finish_non_exhaustive()
    }
}

impl OtpAuth {
    /// Reads a URI, `otpauth://totp/…` or `otpauth://hotp/…`.
    ///
    /// # Errors
    /// What is wrong with it, without any part of it.
    pub fn parse(uri: &Secret) -> Result<Self, &'static str> {
        let text = uri.expose_str().ok_or("must be text")?;
        let starts = |with: &str| {
            text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
        };
        if !starts(TIMED) && !starts(COUNTED) {
            return Err("must be a URI that starts with otpauth://totp/ or otpauth://hotp/");
        }
        let (_, query) = text.split_once('?').ok_or("must contain a secret")?;
        let mut parameters = Parameters::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            parameters.set(name, decode(value))?;
        }
        Ok(Self {
            secret: parameters.secret()?,
            algorithm: parameters.algorithm()?,
            digits: number(parameters.digits, 6, 6..=8).ok_or("must have 6 to 8 digits")? as u32,
            moving: match starts(TIMED) {
                true => Moving::Time {
                    period: number(parameters.period, 30, 1..=86_400)
                        .ok_or("must have a period of 1 to 86400 seconds")?,
                },
                false => Moving::Counter {
                    start: number(parameters.counter, 0, 0..=u64::MAX)
                        .ok_or("must have a counter that is a number")?,
                },
            },
        })
    }

    /// Reads a URI of a generator that goes by time.
    pub(crate) fn parse_timed(uri: &Secret) -> Result<Self, &'static str> {
        match Self::parse(uri)? {
            timed @ Self { moving: Moving::Time { .. }, .. } => Ok(timed),
            _ => Err("must be a URI that starts with otpauth://totp/"),
        }
    }

    /// Reads the secret alone, in Base32: its codes have six digits of SHA-1 and last 30 seconds.
    ///
    /// # Errors
    /// What is wrong with it, without any part of it.
    pub fn from_base32(secret: &Secret) -> Result<Self, &'static str> {
        let parameters = Parameters { secret: Some(secret.clone()), ..Parameters::default() };
        let (secret, moving) = (parameters.secret()?, Moving::Time { period: 30 });
        Ok(Self { secret, algorithm: Algorithm::Sha1, digits: 6, moving })
    }

    /// What moves it to its next code.
    pub fn moving(&self) -> Moving {
        self.moving
    }

    /// Returns the code of a step: the number of the period since 1970, or the counter.
    pub fn code_at(&self, step: u64) -> Secret {
        let digits = self.digits as usize;
        let number = self.truncated(step) % 10_u32.pow(self.digits);
        Secret::from(format!("{number:0digits$}"))
    }

    /// Returns the code at a time; that of the counter's start if it goes by counter.
    pub(crate) fn code(&self, now: Timestamp) -> OneTimeCode {
        let (step, next) = match self.moving {
            Moving::Counter { start } => (start, u64::MAX),
            Moving::Time { period } => {
                let step = now.as_unix() / period;
                (step, (step + 1).saturating_mul(period))
            }
        };
        OneTimeCode { code: self.code_at(step), expires: Timestamp::from_unix(next) }
    }

    /// The number of RFC 4226, section 5.3.
    fn truncated(&self, step: u64) -> u32 {
        let key = self.secret.expose();
        let hash = match self.algorithm {
            Algorithm::Sha1 => mac::<Hmac<Sha1>>(key, step),
            Algorithm::Sha256 => mac::<Hmac<Sha256>>(key, step),
            Algorithm::Sha512 => mac::<Hmac<Sha512>>(key, step),
        };
        let hash = hash.expose();
        let offset = usize::from(hash.last().copied().unwrap_or_default() & 0xf);
        let part = hash.get(offset..).and_then(|part| part.first_chunk()).copied();
        u32::from_be_bytes(part.unwrap_or_default()) & 0x7fff_ffff
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], step: u64) -> Secret {
    // HMAC takes a key of any length.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Secret::default() };
    mac.update(&step.to_be_bytes());
    Secret::from(&mac.finalize().into_bytes()[..])
}

/// The parameters of a URI that have a meaning here.
#[derive(Default)]
struct Parameters {
    secret: Option<Secret>,
    algorithm: Option<Secret>,
    digits: Option<Secret>,
    period: Option<Secret>,
    counter: Option<Secret>,
}

impl Parameters {
    /// Takes a parameter. One that is not known has no effect on the code.
    fn set(&mut self, name: &str, value: Secret) -> Result<(), &'static str> {
        let slot = match name {
            "secret" => &mut self.secret,
            "algorithm" => &mut self.algorithm,
            "digits" => &mut self.digits,
            "period" => &mut self.period,
            "counter" => &mut self.counter,
            _ => return Ok(()),
        };
        match slot.replace(value) {
            None => Ok(()),
            Some(_) => Err("must not contain a parameter twice"),
        }
    }

    fn secret(&self) -> Result<Secret, &'static str> {
        let text = self.secret.as_ref().ok_or("must contain a secret")?;
        let mut upper = text.clone().into_bytes();
        upper.make_ascii_uppercase();
        let upper = Secret::new(upper);
        let text = upper.expose_str().unwrap_or_default().trim_end_matches('=');
        match Base32UpperUnpadded::decode_vec(text).map(Secret::new) {
            Ok(secret) if !secret.is_empty() && secret.len() <= MAX_SECRET => Ok(secret),
            _ => Err("must contain a secret in Base32"),
        }
    }

    fn algorithm(&self) -> Result<Algorithm, &'static str> {
        let name = self.algorithm.as_ref().map(|name| name.expose().to_ascii_uppercase());
        match name.as_deref() {
            None | Some(b"SHA1") => Ok(Algorithm::Sha1),
            Some(b"SHA256") => Ok(Algorithm::Sha256),
            Some(b"SHA512") => Ok(Algorithm::Sha512),
            Some(_) => Err("must have the algorithm SHA1, SHA256 or SHA512"),
        }
    }
}

/// Removes the percent-encoding, into memory that does not grow.
fn decode(value: &str) -> Secret {
    let mut decoded = Vec::with_capacity(value.len());
    decoded.extend(percent_decode(value.as_bytes()));
    Secret::new(decoded)
}

/// Returns a number in this range, or the default if there is no text.
fn number(text: Option<Secret>, default: u64, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
    let Some(text) = text else { return Some(default) };
    let is_digits = !text.is_empty() && text.expose().iter().all(u8::is_ascii_digit);
    text.expose_str()?.parse().ok().filter(|number| is_digits && range.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(uri: &str, time: u64) -> Result<OneTimeCode, &'static str> {
        Ok(OtpAuth::parse_timed(&uri.into())?.code(Timestamp::from_unix(time)))
    }

    /// The secret of `length` bytes of the RFC, in Base32.
    fn uri(length: usize, algorithm: &str) -> String {
        let secret: Vec<u8> = b"1234567890".iter().copied().cycle().take(length).collect();
        let secret = Base32UpperUnpadded::encode_string(&secret);
        format!(
            "otpauth://totp/Acme:ann?secret={secret}&digits=8&algorithm={algorithm}&issuer=Acme"
        )
    }

    /// RFC 6238, appendix B.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        for (time, sha1, sha256, sha512) in [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ] {
            for (length, algorithm, expected) in
                [(20, "SHA1", sha1), (32, "SHA256", sha256), (64, "sha512", sha512)]
            {
                let found = code(&uri(length, algorithm), time).unwrap();
                assert_eq!(found.code.expose_str(), Some(expected), "{time} {algorithm}");
                assert_eq!(found.expires.as_unix(), (time / 30 + 1) * 30);
            }
        }
    }

    /// RFC 4226, appendix D.
    #[test]
    fn the_codes_of_a_counter_are_those_of_the_rfc() {
        let uri = "otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=3";
        let counted = OtpAuth::parse(&uri.into()).unwrap();
        assert_eq!(counted.moving(), Moving::Counter { start: 3 });
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (step, code) in (0..).zip(codes) {
            assert_eq!(counted.code_at(step).expose_str(), Some(code));
        }
        assert!(OtpAuth::parse_timed(&uri.into()).is_err());
        assert!(!format!("{counted:?}").contains("123"));
    }

    #[test]
    fn a_secret_alone_is_enough() {
        let alone = OtpAuth::from_base32(&"gezdgnbvgy3tqojqgezdgnbvgy3tqojq".into()).unwrap();
        assert_eq!(alone.code_at(1).expose(), b"287082");
        assert!(OtpAuth::from_base32(&"".into()).is_err());
        assert!(OtpAuth::from_base32(&"canary!".into()).is_err());
    }

    #[test]
    fn what_a_uri_leaves_out_has_a_default() {
        let short = code("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 59).unwrap();
        assert_eq!(short.code.expose(), b"287082");
        let same =
            "OTPAUTH://TOTP/x?period=30&secret=gezdgnbvgy3tqojqgezdgnbvgy3tqojq%3D%3D&image=y";
        assert_eq!(code(same, 59).unwrap(), short);
        let minute = "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&period=60";
        assert_eq!(code(minute, 59).unwrap().expires.as_unix(), 60);
    }

    #[test]
    fn a_secret_with_unused_bits_is_read() {
        assert!(code("otpauth://totp/x?secret=GEZDGNBVGZ", 0).is_ok());
    }

    #[test]
    fn what_is_not_such_a_uri_is_refused_without_a_quote() {
        for wrong in [
            "",
            "canary",
            "otpauth://hotp/x?secret=GEZDGNBV&counter=1",
            "otpauth://totp/x",
            "otpauth://totp/x?issuer=a",
            "otpauth://totp/x?secret=",
            "otpauth://totp/x?secret=canary!",
            "otpauth://totp/x?secret=GEZDGNBV&secret=GEZDGNBV",
            "otpauth://totp/x?secret=GEZDGNBV&digits=5",
            "otpauth://totp/x?secret=GEZDGNBV&digits=%2B6",
            "otpauth://totp/x?secret=GEZDGNBV&period=0",
            "otpauth://totp/x?secret=GEZDGNBV&period=",
            "otpauth://totp/x?secret=GEZDGNBV&algorithm=MD5",
            "otpauth://totp\u{e9}x?secret=GEZDGNBV",
        ] {
            assert!(code(wrong, 0).is_err(), "{wrong}");
        }
        let long = format!("otpauth://totp/x?secret={}", "A".repeat(2000));
        assert!(code(&long, 0).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_uri_is_a_panic(text: String, time: u64) {
            let _ = code(&text, time);
            let _ = code(&format!("{TIMED}{text}"), time);
            let _ = code(&format!("{TIMED}?secret=GEZDGNBV&{text}"), time);
        }
    }
}
