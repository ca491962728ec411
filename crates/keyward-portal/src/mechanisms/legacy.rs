//! The server's side of CRAM-MD5 (RFC 2195), APOP (RFC 1939) and the challenge of Twisted's
//! Perspective Broker, for clients that know nothing better.
//!
//! # Security
//! The server must know the password itself, or for PB its MD5. A reader of an exchange can try
//! passwords. So a portal serves them only if it is told to.

use hmac::{Hmac, KeyInit, Mac};
use keyward_core::{Error, PresentedKind, Result, Secret};
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use super::{Challenge, fields, random_text};
use crate::{Malformed, prepare_user};

#[cfg(test)]
mod tests;

const VERSION: u8 = 1;

/// The longest answer, in bytes.
const MAX: usize = 2048;

/// One of the mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Legacy {
    /// HMAC-MD5 of the challenge with the password as key.
    CramMd5,
    /// MD5 of the challenge and the password.
    Apop,
    /// MD5 of the MD5 of the password and the challenge.
    Pb,
}

impl Legacy {
    /// The one of a kind of credential, if it is a kind of these.
    pub fn from_kind(kind: &PresentedKind) -> Option<Self> {
        match kind {
            kind if *kind == PresentedKind::CRAM_MD5 => Some(Self::CramMd5),
            kind if *kind == PresentedKind::APOP => Some(Self::Apop),
            kind if *kind == PresentedKind::PB => Some(Self::Pb),
            _ => None,
        }
    }

    /// Makes a challenge that can be answered once. `host` is the name of the server; PB needs none.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if `host` is not the name of a host;
    /// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if there are no random numbers.
    pub fn challenge(self, host: &str) -> Result<Challenge> {
        let random = random_text()?;
        let message = match self {
            Self::Pb => random,
            Self::CramMd5 | Self::Apop if is_host(host) => format!("<{random}@{host}>"),
            Self::CramMd5 | Self::Apop => {
                return Err(Error::invalid("challenge", "the server has no name to put into it"));
            }
        };
        let message = Secret::from(message);
        Ok(Challenge { pending: pending(&message), message })
    }

    /// Whether the client that gave this answer knows the password.
    ///
    /// # Errors
    /// [`Corrupt`](keyward_core::ErrorKind::Corrupt) if `pending` is not what
    /// [`challenge`](Self::challenge) returned. A client cannot cause that.
    pub fn proves(self, pending: &Secret, answer: &Answer, password: &Secret) -> Result<bool> {
        let [challenge] = fields::unpack(VERSION, pending)?;
        let expected = match self {
            Self::CramMd5 => {
                let mut mac = Hmac::<Md5>::new_from_slice(password.expose())
                    .expect("a key of any length is allowed");
                mac.update(challenge);
                mac.finalize().into_bytes()
            }
            Self::Apop => md5(challenge, password.expose()),
            Self::Pb => md5(&Md5::digest(password.expose()), challenge),
        };
        Ok(answer.response.ct_eq(&expected).into())
    }
}

/// Returns what to remember of a challenge, which can be one that another server issued.
pub(crate) fn pending(challenge: &Secret) -> Secret {
    fields::pack(VERSION, &[challenge.expose()])
}

/// Whether the client that gave this answer to the challenge of [`Legacy::Pb`] knows the password
/// that has this MD5.
///
/// # Errors
/// [`Corrupt`](keyward_core::ErrorKind::Corrupt) if `pending` is not what [`Legacy::challenge`]
/// returned.
pub fn pb_proves(pending: &Secret, answer: &Answer, md5_of_password: &[u8; 16]) -> Result<bool> {
    let [challenge] = fields::unpack(VERSION, pending)?;
    Ok(answer.response.ct_eq(&md5(md5_of_password, challenge)).into())
}

fn md5(first: &[u8], second: &[u8]) -> md5::digest::Output<Md5> {
    Md5::new().chain_update(first).chain_update(second).finalize()
}

fn is_host(host: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    (1..=255).contains(&host.len()) && host.bytes().all(is_part)
}

/// An answer: a name, a space, and 16 bytes in hexadecimal form. A server for PB makes it of the
/// name and the bytes that it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    user: String,
    response: Vec<u8>,
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`Malformed`] if it is not one.
    pub fn parse(message: &Secret) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed::new("it is not a name and a response");
        let text = message.expose_str().filter(|text| text.len() <= MAX).ok_or(WRONG)?;
        let (user, response) = text.rsplit_once(' ').ok_or(WRONG)?;
        let response = base16ct::mixed::decode_vec(response).map_err(|_| WRONG)?;
        if response.len() != 16 {
            return Err(WRONG);
        }
        Ok(Self { user: prepare_user(user)?, response })
    }

    /// The canonical name of the user.
    pub fn user(&self) -> &str {
        &self.user
    }
}
