//! The server's side of SCRAM (RFC 5802, RFC 7677), with `tls-exporter` (RFC 9266) in the variants
//! with channel binding.
//!
//! An exchange is [`First::parse`], [`First::challenge`] and [`last`]. For an unknown user the
//! challenge is made with a [`decoy`]: the exchange has the same messages and ends the same way
//! as with a wrong password.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use keyward_core::{Denial, Error, PresentedKind, Result, Secret};
use keyward_verifier::scram::{Algorithm, MIN_ITERATIONS, Scram};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::{Challenge, fields};
use crate::{Malformed, prepare_user};
use message::{ClientFinal, ClientFirst, Flag};

mod message;

#[cfg(test)]
mod tests;

const VERSION: u8 = 1;

/// Returns the hash function of a kind of credential, if it is a kind of SCRAM.
pub fn algorithm_of(kind: &PresentedKind) -> Option<Algorithm> {
    match kind {
        kind if *kind == PresentedKind::SCRAM_SHA_1 => Some(Algorithm::Sha1),
        kind if *kind == PresentedKind::SCRAM_SHA_256 => Some(Algorithm::Sha256),
        _ => None,
    }
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
    algorithm: Algorithm,
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
        algorithm: Algorithm,
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
            algorithm,
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
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the verifier is of another mechanism, is not
    /// complete, or has fewer than [`MIN_ITERATIONS`].
    pub fn challenge(&self, verifier: &Scram, nonce: &str) -> Result<Challenge> {
        let Scram { algorithm, iterations, salt, stored_key, server_key } = verifier;
        let has_keys = [stored_key.len(), server_key.len()] == [algorithm.length(); 2];
        let is_complete = has_keys && (1..=1024).contains(&salt.len());
        if *algorithm != self.algorithm || *iterations < MIN_ITERATIONS || !is_complete {
            let why =
                "the verifier is of another mechanism, not complete, or has too few iterations";
            return Err(Error::invalid("scram", why));
        }
        let nonce = format!("{}{nonce}", self.nonce);
        let message = format!("r={nonce},s={},i={iterations}", STANDARD.encode(salt));
        let signed = format!("{},{message},", self.bare);
        let pending = fields::pack(
            VERSION,
            &[
                algorithm.name().as_bytes(),
                stored_key.expose(),
                server_key.expose(),
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
    let [name, stored_key, server_key, bound, nonce, signed] = fields::unpack(VERSION, pending)?;
    let algorithm = std::str::from_utf8(name).ok().and_then(Algorithm::from_name);
    let algorithm = algorithm.ok_or_else(|| Error::corrupt("scram"))?;
    let (stored_key, server_key) = (Secret::from(stored_key), Secret::from(server_key));
    let refused = |why, error: &str| Ok(Verdict::Refused(why, Secret::from(error)));
    let Ok(answer) = ClientFinal::parse(message.expose()) else {
        return refused(Denial::Malformed, "e=other-error");
    };
    if answer.nonce.as_bytes() != nonce || answer.proof.len() != algorithm.length() {
        return refused(Denial::Malformed, "e=other-error");
    }
    if !bool::from(answer.bound.ct_eq(bound)) {
        return refused(Denial::Malformed, "e=channel-bindings-dont-match");
    }
    let signed = [signed, answer.without_proof.as_bytes()].concat();
    let signature = algorithm.hmac(&stored_key, &signed);
    let key = answer.proof.iter().zip(signature.expose()).map(|(proof, byte)| proof ^ byte);
    if algorithm.hash(&Secret::new(key.collect())) != stored_key {
        return refused(Denial::Secret, "e=invalid-proof");
    }
    let signature = STANDARD.encode(algorithm.hmac(&server_key, &signed).expose());
    Ok(Verdict::Accepted(format!("v={signature}").into()))
}

/// Makes a verifier for a user who does not exist. It looks like `example`, that of a user who does,
/// and is always the same for the same name.
///
/// `secret` is known to the server only; if it is the same after a restart and on other machines, so
/// is the verifier.
pub fn decoy(secret: &Secret, algorithm: Algorithm, user: &str, example: Option<&Scram>) -> Scram {
    let derive = |what: u8, length: usize| {
        let block = |count: u8| {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose())
                .expect("a key of any length is allowed");
            mac.update(&[what, count]);
            mac.update(algorithm.name().as_bytes());
            mac.update(user.as_bytes());
            mac.finalize().into_bytes()
        };
        let mut bytes: Vec<u8> = (0..=(length / 32) as u8).flat_map(block).collect();
        bytes.truncate(length);
        bytes
    };
    Scram {
        algorithm,
        iterations: example.map_or(MIN_ITERATIONS, |it| it.iterations.max(MIN_ITERATIONS)),
        salt: derive(b's', example.map_or(16, |it| it.salt.len().min(1024))),
        stored_key: derive(b'c', algorithm.length()).into(),
        server_key: derive(b'v', algorithm.length()).into(),
    }
}
