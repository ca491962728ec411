//! Assertions: JWTs that a client signs to show who it is (RFC 7523).

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keyward_core::{Error, ErrorKind, Record, Result, Secret, Timestamp};
use keyward_kinds::fields;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde::Serialize;
use zeroize::Zeroize;

use crate::client::{field, invalid, text};

/// How long an assertion is good. It is sent at once.
const LIFE: Duration = Duration::from_secs(5 * 60);

/// Returns an assertion that a client is who it says, or may act for `subject`.
///
/// It is for the issuer of the record, or else for the URL that issues its tokens, or for whom the
/// record says.
///
/// # Errors
/// `Invalid` if the record lacks a key, or its key cannot be used.
pub(crate) fn signed(record: &Record, subject: &str, now: Timestamp) -> Result<Secret> {
    let key = Key::read(&field(record, fields::PRIVATE_KEY)?.value)?;
    let reader = [fields::ASSERTION_AUDIENCE, fields::ISSUER, fields::TOKEN_URL];
    let head = Head { alg: key.algorithm(), typ: "JWT", kid: text(record, fields::KEY_ID) };
    let client = text(record, fields::CLIENT_ID);
    let claims = Claims {
        iss: client.ok_or_else(|| invalid("there is no client id"))?,
        sub: subject,
        aud: reader.iter().find_map(|name| text(record, name)),
        jti: random()?,
        iat: now.as_unix(),
        exp: now.after(LIFE).as_unix(),
        scope: text(record, fields::SCOPE),
    };
    let signed = format!("{}.{}", encoded(&head), encoded(&claims));
    let signature = key.sign(signed.as_bytes())?;
    Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)).into())
}

#[derive(Serialize)]
struct Head<'a> {
    alg: &'a str,
    typ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    /// Servers refuse an assertion that they have seen before.
    jti: String,
    iat: u64,
    exp: u64,
    /// Google and others read the scope here, and not in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

fn encoded(part: &impl Serialize) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).expect("memory can be written"))
}

fn random() -> Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| {
        Error::new(ErrorKind::Unavailable, "token").because("there are no random numbers")
    })?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// A key, and with it the algorithm of RFC 7518.
enum Key {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    /// Reads a key in PEM form.
    fn read(pem: &Secret) -> Result<Self> {
        let unusable = || {
            invalid("the field `private_key` is not a key that can sign")
                .hint("It must be RSA with 2048 bits or more, P-256 or Ed25519, without a passphrase. `openssl pkcs8 -topk8 -nocrypt` converts an EC key")
        };
        let mut der = PrivateKeyDer::from_pem_slice(pem.expose()).map_err(|_| unusable())?;
        let key = match &der {
            PrivateKeyDer::Pkcs1(key) => {
                RsaKeyPair::from_der(key.secret_pkcs1_der()).ok().map(Self::Rsa)
            }
            PrivateKeyDer::Pkcs8(key) => Self::from_pkcs8(key.secret_pkcs8_der()),
            _ => None,
        };
        der.zeroize();
        key.ok_or_else(unusable)
    }

    /// A key of one algorithm is not one of another, because its algorithm is written in it.
    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let p256 = || {
            let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
            EcdsaKeyPair::from_pkcs8(algorithm, der, &SystemRandom::new()).ok().map(Self::P256)
        };
        // OpenSSL writes an Ed25519 key without its public half.
        let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(Self::Ed25519);
        RsaKeyPair::from_pkcs8(der).ok().map(Self::Rsa).or_else(p256).or_else(ed25519)
    }

    const fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>> {
        let failed = |_| Error::new(ErrorKind::Other, "token").because("signing failed");
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Self::P256(key) => Ok(key.sign(&random, text).map_err(failed)?.as_ref().to_vec()),
            Self::Ed25519(key) => Ok(key.sign(text).as_ref().to_vec()),
        }
    }
}
