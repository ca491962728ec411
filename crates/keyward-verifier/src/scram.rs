//! Verifiers of the mechanism SCRAM (RFC 5802, RFC 7677).
//!
//! The server keeps two keys that are derived from the password, in the form that SASLprep gives it.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use keyward_core::{Error, Result, Secret, SecretWriter, VerifierForm};
use keyward_fs::random;
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{MAX_PASSWORD, Unusable};
use saslprep::saslprep;

mod saslprep;

/// The fewest iterations of a new verifier (RFC 7677, section 4).
pub const MIN_ITERATIONS: u32 = 4096;

/// The iterations of a new verifier, unless the caller says otherwise: the client computes them at
/// each login, so it is less than for a hash.
pub const ITERATIONS: u32 = 15_000;

/// The most iterations of a verifier that is read.
const MAX_ITERATIONS: u32 = 4_000_000;

/// The longest salt of a verifier that is read, in bytes.
const MAX_SALT: usize = 128;

/// The hash function of the mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-1, for old peers.
    Sha1,
}

impl Algorithm {
    /// The name of the mechanism.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha1 => "SCRAM-SHA-1",
        }
    }

    /// The form of its verifiers.
    pub fn form(self) -> VerifierForm {
        match self {
            Self::Sha256 => VerifierForm::ScramSha256,
            Self::Sha1 => VerifierForm::ScramSha1,
        }
    }

    /// Returns the algorithm of a mechanism.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha1].into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// How many bytes a key has.
    pub fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha1 => 20,
        }
    }

    /// The function `Hi` of RFC 5802: the salted password. It is not prepared here.
    pub fn salted_password(self, password: &Secret, salt: &[u8], iterations: u32) -> Secret {
        let mut key = vec![0; self.length()];
        match self {
            Self::Sha256 => pbkdf2_hmac::<Sha256>(password.expose(), salt, iterations, &mut key),
            Self::Sha1 => pbkdf2_hmac::<Sha1>(password.expose(), salt, iterations, &mut key),
        }
        Secret::new(key)
    }

    /// The function `HMAC` of RFC 5802.
    pub fn hmac(self, key: &Secret, message: &[u8]) -> Secret {
        match self {
            Self::Sha256 => mac::<Hmac<Sha256>>(key, message),
            Self::Sha1 => mac::<Hmac<Sha1>>(key, message),
        }
    }

    /// The function `H` of RFC 5802.
    pub fn hash(self, message: &Secret) -> Secret {
        match self {
            Self::Sha256 => Secret::from(&Sha256::digest(message.expose())[..]),
            Self::Sha1 => Secret::from(&Sha1::digest(message.expose())[..]),
        }
    }
}

fn mac<M: Mac + KeyInit>(key: &Secret, message: &[u8]) -> Secret {
    // HMAC takes a key of any length.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key.expose()) else {
        return Secret::default();
    };
    mac.update(message);
    Secret::from(&mac.finalize().into_bytes()[..])
}

/// What a server keeps for SCRAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scram {
    /// The hash function.
    pub algorithm: Algorithm,
    /// How often the client applies it.
    pub iterations: u32,
    /// What it adds to the password.
    pub salt: Vec<u8>,
    /// `StoredKey`: the hash of the key with which the client proves that it knows the password.
    pub stored_key: Secret,
    /// `ServerKey`: the key with which the server proves that it knows the verifier.
    pub server_key: Secret,
}

impl Scram {
    /// Makes the verifier of a password, with a new salt.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the password is empty or too long, or there are
    /// fewer than [`MIN_ITERATIONS`]; [`Unavailable`](keyward_core::ErrorKind::Unavailable) if there are
    /// no random bytes.
    pub fn make(algorithm: Algorithm, password: &Secret, iterations: u32) -> Result<Self> {
        if !(MIN_ITERATIONS..=MAX_ITERATIONS).contains(&iterations) {
            let why = format!("the iterations are {MIN_ITERATIONS} to {MAX_ITERATIONS}");
            return Err(Error::invalid("make the verifier", why));
        }
        if password.is_empty() || password.len() > MAX_PASSWORD {
            let why = format!("a password has 1 to {MAX_PASSWORD} bytes");
            return Err(Error::invalid("make the verifier", why));
        }
        Ok(Self::derive(algorithm, password, &random::<16>()?, iterations))
    }

    /// Derives the verifier of a password, with this salt.
    pub fn derive(algorithm: Algorithm, password: &Secret, salt: &[u8], iterations: u32) -> Self {
        let salted = algorithm.salted_password(&saslprep(password), salt, iterations);
        Self {
            algorithm,
            iterations,
            salt: salt.to_vec(),
            stored_key: algorithm.hash(&algorithm.hmac(&salted, b"Client Key")),
            server_key: algorithm.hmac(&salted, b"Server Key"),
        }
    }

    /// Reads `SCRAM-SHA-256$ITERATIONS:SALT$STORED-KEY:SERVER-KEY` (RFC 5803), and
    /// `{SCRAM-SHA-256}ITERATIONS,SALT,STORED-KEY,SERVER-KEY`, which gsasl and Dovecot write.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn parse(stored: &Secret) -> Result<Self, Unusable> {
        let text = stored.expose_str().ok_or(Unusable::Malformed)?;
        let is_prefixed = text.starts_with('{');
        let (name, rest) = match text.strip_prefix('{') {
            Some(text) => text.split_once('}'),
            None => text.split_once('$'),
        }
        .ok_or(Unusable::Malformed)?;
        let algorithm = Algorithm::from_name(name).ok_or(Unusable::Unknown)?;
        match is_prefixed {
            true => Self::parse_fields(algorithm, rest.split(',')),
            false => {
                let (first, second) = rest.split_once('$').ok_or(Unusable::Malformed)?;
                Self::parse_fields(algorithm, first.split(':').chain(second.split(':')))
            }
        }
    }

    fn parse_fields<'a>(
        algorithm: Algorithm,
        mut fields: impl Iterator<Item = &'a str>,
    ) -> Result<Self, Unusable> {
        let mut next = || fields.next().ok_or(Unusable::Malformed);
        let (iterations, salt) = (next()?, decode(next()?)?);
        let (stored_key, server_key) = (decode(next()?)?, decode(next()?)?);
        let is_digits = iterations.bytes().all(|byte| byte.is_ascii_digit());
        let iterations = iterations.parse().map_err(|_| Unusable::Malformed)?;
        let lengths = [stored_key.len(), server_key.len()];
        let fits = lengths == [algorithm.length(); 2] && (1..=MAX_SALT).contains(&salt.len());
        if !is_digits || !fits || iterations == 0 || fields.next().is_some() {
            return Err(Unusable::Malformed);
        }
        if iterations > MAX_ITERATIONS {
            return Err(Unusable::TooCostly);
        }
        let (stored_key, server_key) = (Secret::new(stored_key), Secret::new(server_key));
        Ok(Self { algorithm, iterations, salt, stored_key, server_key })
    }

    /// Writes it as RFC 5803 says.
    pub fn write(&self) -> Secret {
        self.write_as(["", "$", ":", "$", ":"])
    }

    /// Writes it as gsasl and Dovecot do, with the prefix in braces.
    pub fn write_prefixed(&self) -> Secret {
        self.write_as(["{", "}", ",", ",", ","])
    }

    fn write_as(&self, [start, first, second, third, fourth]: [&str; 5]) -> Secret {
        let encode = |bytes: &[u8]| Secret::from(STANDARD.encode(bytes));
        let mut text = SecretWriter::new();
        // A writer in memory without limit has no errors.
        let (name, iterations) = (self.algorithm.name(), self.iterations);
        let salt = STANDARD.encode(&self.salt);
        let _ = write!(text, "{start}{name}{first}{iterations}{second}{salt}{third}");
        let _ = text.write_all(encode(self.stored_key.expose()).expose());
        let _ = text.write_all(fourth.as_bytes());
        let _ = text.write_all(encode(self.server_key.expose()).expose());
        text.finish()
    }

    /// Checks a password. The empty password is wrong.
    pub fn verify(&self, password: &Secret) -> bool {
        let usable = !password.is_empty() && password.len() <= MAX_PASSWORD;
        let found = Self::derive(self.algorithm, password, &self.salt, self.iterations);
        let same = found.stored_key.expose().ct_eq(self.stored_key.expose())
            & found.server_key.expose().ct_eq(self.server_key.expose());
        bool::from(same) & usable
    }
}

fn decode(text: &str) -> Result<Vec<u8>, Unusable> {
    STANDARD.decode(text).map_err(|_| Unusable::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5802, section 5, and RFC 7677, section 3; the keys as gsasl computes them.
    #[test]
    fn the_keys_are_those_of_the_rfcs() {
        for (algorithm, salt, stored_key, server_key) in [
            (
                Algorithm::Sha1,
                "QSXCR+Q6sek8bf92",
                "6dlGYMOdZcOPutkcNY8U2g7vK9Y=",
                "D+CSWLOshSulAsxiupA+qs2/fTE=",
            ),
            (
                Algorithm::Sha256,
                "W22ZaJ0SNY7soEsUEjb6gQ==",
                "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=",
                "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
            ),
        ] {
            let salt_bytes = STANDARD.decode(salt).unwrap();
            let scram = Scram::derive(algorithm, &"pencil".into(), &salt_bytes, 4096);
            let name = algorithm.name();
            let written = format!("{name}$4096:{salt}${stored_key}:{server_key}");
            assert_eq!(scram.write().expose_str(), Some(&*written));
            let prefixed = format!("{{{name}}}4096,{salt},{stored_key},{server_key}");
            assert_eq!(scram.write_prefixed().expose_str(), Some(&*prefixed));
            for text in [written, prefixed] {
                assert_eq!(Scram::parse(&text.into()).unwrap(), scram);
            }
            assert!(scram.verify(&"pencil".into()));
            assert!(!scram.verify(&"pencils".into()) && !scram.verify(&"".into()));
        }
    }

    /// `doveadm pw -p secret` of Dovecot 2.3.19.
    #[test]
    fn the_verifiers_of_dovecot_are_right() {
        for stored in [
            "{SCRAM-SHA-1}4096,U+NmI3hWa5NFxvChjjT5Mg==,Uvg0XIj/EPsQeL+eT+7ujiyQNjo=,\
             8MFW/cimQvAcUlw/B8/fz/UktEY=",
            "{SCRAM-SHA-256}4096,mds/38phUryD5K79fVqwuQ==,\
             WE83Oi0f6LFvBUP+S55+bZshuh0XBsgZdtuGMN8gpi4=,\
             fkZAAPNCH1LcOl9GZFvFdjXthn81j0Yow3tzbblhkJQ=",
        ] {
            let scram = Scram::parse(&stored.into()).unwrap();
            assert!(scram.verify(&"secret".into()) && !scram.verify(&"secres".into()));
        }
    }

    #[test]
    fn few_iterations_are_not_made() {
        for wrong in [0, 1, 4095, MAX_ITERATIONS + 1] {
            assert!(Scram::make(Algorithm::Sha256, &"x".into(), wrong).is_err());
        }
        assert!(Scram::make(Algorithm::Sha256, &"".into(), 4096).is_err());
        assert!(Scram::make(Algorithm::Sha256, &"x".into(), 4096).unwrap().verify(&"x".into()));
    }

    #[test]
    fn what_is_no_verifier_is_refused() {
        let keys = "6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/fTE=";
        for (stored, why) in [
            (String::new(), Unusable::Malformed),
            ("SCRAM-SHA-1".into(), Unusable::Malformed),
            (format!("SCRAM-SHA-512$4096:QSXC${keys}"), Unusable::Unknown),
            (format!("SCRAM-SHA-256$4096:QSXC${keys}"), Unusable::Malformed),
            (format!("SCRAM-SHA-1$0:QSXC${keys}"), Unusable::Malformed),
            (format!("SCRAM-SHA-1$+4096:QSXC${keys}"), Unusable::Malformed),
            (format!("SCRAM-SHA-1$4096:${keys}"), Unusable::Malformed),
            (format!("SCRAM-SHA-1$4096:QSXC${keys}:QSXC"), Unusable::Malformed),
            (format!("SCRAM-SHA-1$4294967295:QSXC${keys}"), Unusable::TooCostly),
        ] {
            assert_eq!(Scram::parse(&stored.as_str().into()).unwrap_err(), why, "{stored}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_a_panic(text in "(SCRAM-SHA-1\\$|\\{SCRAM-SHA-256\\})?[0-9a-zA-Z=+/:$,]{0,90}") {
            let _ = Scram::parse(&text.into());
        }
    }
}
