//! The public keys of a server (RFC 7517, RFC 7518, RFC 8037).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::Value;

use crate::jwt::Jwt;

/// The most keys of a server that are used.
const MAX_KEYS: usize = 64;

/// The keys of a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys(Vec<Key>);

#[derive(Clone, Debug)]
struct Key {
    id: Option<String>,
    /// The only algorithm that it may be used with, if it says so.
    algorithm: Option<String>,
    material: Material,
}

#[derive(Clone, Debug)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// What the keys say of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    Wrong,
    /// There is no key of that name.
    NoKey,
}

impl Keys {
    /// Reads a set of keys. Those that cannot verify signatures are left out. `None` if it is not a set.
    pub(crate) fn parse(set: &Value) -> Option<Self> {
        let keys = set.get("keys")?.as_array()?;
        Some(Self(keys.iter().filter_map(Key::parse).take(MAX_KEYS).collect()))
    }

    /// Verifies the signature of a token.
    pub(crate) fn verify(&self, token: &Jwt<'_>) -> Verdict {
        // With a name, it is that key; without, any key.
        let named = |key: &&Key| token.key_id.is_none() || key.id == token.key_id;
        let mut candidates = self.0.iter().filter(named).peekable();
        if candidates.peek().is_none() {
            return Verdict::NoKey;
        }
        if candidates.any(|key| key.verifies(token)) { Verdict::Right } else { Verdict::Wrong }
    }
}

impl Key {
    fn parse(key: &Value) -> Option<Self> {
        let text = |name| key.get(name).and_then(Value::as_str);
        let verifies = |operations: &Value| {
            operations.as_array().is_some_and(|all| all.iter().any(|it| it == "verify"))
        };
        if text("use").is_some_and(|purpose| purpose != "sig")
            || key.get("key_ops").is_some_and(|operations| !verifies(operations))
        {
            return None;
        }
        let number = |name| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let fixed = |name, size| number(name).filter(|it| it.len() == size);
        let point = |size| Some([vec![4], fixed("x", size)?, fixed("y", size)?].concat());
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => Material::Rsa { modulus: number("n")?, exponent: number("e")? },
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(fixed("x", 32)?),
            _ => return None,
        };
        let owned = |name| text(name).map(str::to_owned);
        Some(Self { id: owned("kid"), algorithm: owned("alg"), material })
    }

    /// The key decides which algorithms are possible, so that a token cannot choose one that is not
    /// for keys of its type.
    fn verifies(&self, token: &Jwt<'_>) -> bool {
        if self.algorithm.as_ref().is_some_and(|own| *own != token.algorithm) {
            return false;
        }
        let is_signed = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key)
                .verify(token.signed, token.signature.expose())
                .is_ok()
        };
        match (&self.material, token.algorithm.as_str()) {
            (Material::Rsa { modulus, exponent }, algorithm) => {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                rsa(algorithm).is_some_and(|parameters| {
                    key.verify(parameters, token.signed, token.signature.expose()).is_ok()
                })
            }
            (Material::P256(point), "ES256") => is_signed(&ECDSA_P256_SHA256_FIXED, point),
            (Material::P384(point), "ES384") => is_signed(&ECDSA_P384_SHA384_FIXED, point),
            (Material::Ed25519(key), "EdDSA" | "Ed25519") => is_signed(&ED25519, key),
            _ => false,
        }
    }
}

fn rsa(algorithm: &str) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        "PS384" => &RSA_PSS_2048_8192_SHA384,
        "PS512" => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}
