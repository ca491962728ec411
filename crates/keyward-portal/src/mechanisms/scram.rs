//! The server's side of SCRAM (RFC 5802, RFC 7677), with `tls-exporter` (RFC 9266) in the variants
//! with channel binding.
//!
//! An exchange is [`First::parse`], [`First::challenge`] and [`last`]. For an unknown user the
//! challenge is made with [`decoy`] keys: the exchange has the same messages and ends the same way
//! as with a wrong password.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use keyward_core::{Denial, PresentedKind, Result, Secret, VerifierForm};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Challenge, fields};
use crate::{Malformed, prepare_user};
use message::{ClientFinal, ClientFirst, Flag};

mod message;

#[cfg(test)]
mod tests;

/// The fewest iterations of a verifier that may be used (RFC 5802 section 5.1, RFC 7677 section 4).
pub const MIN_ITERATIONS: u32 = 4096;

const VERSION: u8 = 1;

/// The hash function of a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ScramHash {
    /// SCRAM-SHA-1, for clients that know nothing better.
    Sha1 = 1,
    /// SCRAM-SHA-256.
    Sha256 = 2,
}

impl ScramHash {
    /// The one of a kind of credential, if it is a kind of SCRAM.
    pub fn of(kind: &PresentedKind) -> Option<Self> {
        match kind {
            kind if *kind == PresentedKind::SCRAM_SHA_1 => Some(Self::Sha1),
            kind if *kind == PresentedKind::SCRAM_SHA_256 => Some(Self::Sha256),
            _ => None,
        }
    }

    /// The form of the verifiers.
    pub fn form(self) -> VerifierForm {
        match self {
            Self::Sha1 => VerifierForm::ScramSha1,
            Self::Sha256 => VerifierForm::ScramSha256,
        }
    }

    /// How many bytes a hash has.
    pub fn size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    fn hash(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(bytes).to_vec(),
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
        }
    }

    fn hmac(self, key: &[u8], bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => hmac::<Hmac<Sha1>>(key, &[bytes]),
            Self::Sha256 => hmac::<Hmac<Sha256>>(key, &[bytes]),
        }
    }
}

fn hmac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("a key of any length is allowed");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// What a server keeps of a password for SCRAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScramKeys {
    /// The hash function.
    pub hash: ScramHash,
    /// How often the password is hashed.
    pub iterations: u32,
    /// The salt.
    pub salt: Vec<u8>,
    /// The hash of the key with which a client proves that it knows the password.
    pub stored: Secret,
    /// The key with which the server proves that it knows the verifier.
    pub server: Secret,
}

/// What an exchange is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding<'a> {
    /// The connection has nothing that both sides know, so the client was offered only the
    /// mechanisms without binding.
    Unavailable,
    /// The client was offered the mechanisms with binding, and chose one without.
    NotChosen,
    /// The client chose a mechanism with binding. This is what TLS exports for it: 32 bytes with
    /// the label `EXPORTER-Channel-Binding` and no context.
    TlsExporter(&'a Secret),
}

/// A client's first message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    hash: ScramHash,
    user: String,
    authzid: Option<String>,
    nonce: String,
    /// The message after the header.
    bare: String,
    /// The header, and what TLS exports.
    bound: Secret,
}

impl First {
    /// Reads a client's first message.
    ///
    /// # Errors
    /// [`Malformed`] if it is not one, and if it does not fit `binding`: a client that can bind, and
    /// believes that the server cannot, got a forged list of mechanisms.
    pub fn parse(
        hash: ScramHash,
        message: &Secret,
        binding: Binding<'_>,
    ) -> Result<Self, Malformed> {
        let first = ClientFirst::parse(message.expose())?;
        let mut bound = first.header.as_bytes().to_vec();
        match (first.flag, binding) {
            (Flag::None, Binding::Unavailable | Binding::NotChosen)
            | (Flag::ServerHasNone, Binding::Unavailable) => {}
            (Flag::ServerHasNone, _) => {
                return Err(Malformed::new("someone removed the mechanisms with channel binding"));
            }
            (Flag::Bound("tls-exporter"), Binding::TlsExporter(data)) => {
                bound.extend_from_slice(data.expose());
            }
            (Flag::Bound(_), Binding::TlsExporter(_)) => {
                return Err(Malformed::new("the channel binding is not tls-exporter"));
            }
            (Flag::Bound(_), _) => {
                return Err(Malformed::new("the mechanism has no channel binding"));
            }
            (Flag::None, Binding::TlsExporter(_)) => {
                return Err(Malformed::new("the mechanism requires channel binding"));
            }
        }
        Ok(Self {
            hash,
            user: prepare_user(&first.user)?,
            authzid: first.authzid.as_deref().map(prepare_user).transpose()?,
            nonce: first.nonce.to_owned(),
            bare: first.bare.to_owned(),
            bound: Secret::new(bound),
        })
    }

    /// The canonical name of the user.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The canonical name of the identity that the client asks for, if it asks for one.
    pub fn authzid(&self) -> Option<&str> {
        self.authzid.as_deref()
    }

    /// Makes the server's first message. `nonce` is a [`random_text`](super::random_text).
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the keys are of another mechanism, or have
    /// fewer than [`MIN_ITERATIONS`].
    pub fn challenge(&self, keys: &ScramKeys, nonce: &str) -> Result<Challenge> {
        let sizes = [keys.stored.len(), keys.server.len()];
        let is_complete = sizes == [self.hash.size(); 2] && (1..=1024).contains(&keys.salt.len());
        if keys.hash != self.hash || keys.iterations < MIN_ITERATIONS || !is_complete {
            let why =
                "the verifier is of another mechanism, not complete, or has too few iterations";
            return Err(keyward_core::Error::invalid("scram", why));
        }
        let nonce = format!("{}{nonce}", self.nonce);
        let salt = STANDARD.encode(&keys.salt);
        let message = format!("r={nonce},s={salt},i={}", keys.iterations);
        let signed = format!("{},{message},", self.bare);
        let pending = fields::pack(
            VERSION,
            &[
                &[self.hash as u8],
                keys.stored.expose(),
                keys.server.expose(),
                self.bound.expose(),
                nonce.as_bytes(),
                signed.as_bytes(),
            ],
        );
        Ok(Challenge { pending, message: message.into() })
    }
}

/// The result of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The client knows the password. It gets this message, which proves that the server knows the
    /// verifier.
    Accepted(Secret),
    /// The client does not, or what it sent cannot be read. It gets this message.
    Refused(Denial, Secret),
}

/// Checks a client's last message.
///
/// # Errors
/// [`Corrupt`](keyward_core::ErrorKind::Corrupt) if `pending` is not what
/// [`challenge`](First::challenge) returned. A client cannot cause that.
pub fn last(pending: &Secret, message: &Secret) -> Result<Verdict> {
    let [hash, stored, server, bound, nonce, signed] = fields::unpack(VERSION, pending)?;
    let hash = match hash {
        [1] => ScramHash::Sha1,
        [2] => ScramHash::Sha256,
        _ => return Err(keyward_core::Error::corrupt("scram")),
    };
    let refused = |why, error: &str| Ok(Verdict::Refused(why, Secret::from(error)));
    let Ok(answer) = ClientFinal::parse(message.expose()) else {
        return refused(Denial::Malformed, "e=other-error");
    };
    if answer.nonce.as_bytes() != nonce || answer.proof.len() != hash.size() {
        return refused(Denial::Malformed, "e=other-error");
    }
    if !bool::from(answer.bound.ct_eq(bound)) {
        return refused(Denial::Malformed, "e=channel-bindings-dont-match");
    }
    let signed = [signed, answer.without_proof.as_bytes()].concat();
    let signature = Secret::new(hash.hmac(stored, &signed));
    let key = answer.proof.iter().zip(signature.expose()).map(|(proof, byte)| proof ^ byte);
    let key = Secret::new(key.collect());
    if !bool::from(hash.hash(key.expose()).ct_eq(stored)) {
        return refused(Denial::Secret, "e=invalid-proof");
    }
    let signature = STANDARD.encode(hash.hmac(server, &signed));
    Ok(Verdict::Accepted(format!("v={signature}").into()))
}

/// Makes keys for a user who does not exist. They look like `example`, the keys of a user who does,
/// and are always the same for the same name.
///
/// `secret` is known to the server only; if it is the same after a restart and on other machines, so
/// are the keys.
pub fn decoy(
    secret: &Secret,
    hash: ScramHash,
    user: &str,
    example: Option<&ScramKeys>,
) -> ScramKeys {
    let derive = |what: u8, length: usize| {
        let block = |count: u8| {
            let parts = [&[what, hash as u8, count][..], user.as_bytes()];
            hmac::<Hmac<Sha256>>(secret.expose(), &parts)
        };
        let mut bytes: Vec<u8> = (0..=(length / 32) as u8).flat_map(block).collect();
        bytes.truncate(length);
        bytes
    };
    let salt = example.map_or(16, |keys| keys.salt.len().min(1024));
    ScramKeys {
        hash,
        iterations: example.map_or(MIN_ITERATIONS, |keys| keys.iterations.max(MIN_ITERATIONS)),
        salt: derive(b's', salt),
        stored: derive(b'c', hash.size()).into(),
        server: derive(b'v', hash.size()).into(),
    }
}
