//! Public keys, and the signatures that they verify.

use std::fmt::{self, Debug};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

use crate::wire::{Reader, padded, put};

/// The largest key or certificate, in bytes.
pub(crate) const MAX: usize = 64 << 10;

/// The lengths of an RSA modulus, in bytes: shorter ones are weak, longer ones a waste of time.
const RSA: std::ops::RangeInclusive<usize> = 256..=1024;

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;

/// A key that is strong enough. Two keys are the same if their bytes are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct PublicKey {
    /// The key as SSH writes it (RFC 4253 section 6.6).
    blob: Vec<u8>,
    material: Material,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Material {
    Ed25519(Vec<u8>),
    P256(Vec<u8>),
    P384(Vec<u8>),
    Rsa {
        exponent: Vec<u8>,
        modulus: Vec<u8>,
    },
    /// In a security key, for this application.
    SkEd25519(Vec<u8>, Vec<u8>),
    SkP256(Vec<u8>, Vec<u8>),
}

/// What a security key says of its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags {
    /// The user touched it.
    pub(crate) present: bool,
    /// The user entered its PIN, or the like.
    pub(crate) verified: bool,
}

impl PublicKey {
    /// Reads a key. `None` if it is not one, of a type that is not known, or weak.
    pub(crate) fn parse(blob: &[u8]) -> Option<Self> {
        if blob.len() > MAX {
            return None;
        }
        let mut reader = Reader::new(blob);
        let key = Self::read(reader.text()?, &mut reader)?;
        reader.end()?;
        Some(key)
    }

    /// Reads what follows the type in a key, or the type and the nonce in a certificate.
    pub(crate) fn read(kind: &str, reader: &mut Reader<'_>) -> Option<Self> {
        let start = reader.rest();
        let material = Material::read(kind, reader)?;
        let mut blob = Vec::new();
        put(&mut blob, kind.as_bytes());
        blob.extend_from_slice(&start[..start.len() - reader.rest().len()]);
        Some(Self { blob, material })
    }

    pub(crate) fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// Whether it signed the message. `Some` if so; with the flags of a security key.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Option<Option<Flags>> {
        let mut reader = Reader::new(signature);
        let (format, value) = (reader.text()?, reader.string()?);
        let (SkEd25519(_, application) | SkP256(_, application)) = &self.material else {
            reader.end()?;
            return self.material.verify(format, message, value).then_some(None);
        };
        let rest = reader.rest();
        let flags = reader.byte()?;
        reader.u32()?;
        reader.end()?;
        let hashed = |bytes: &[u8]| digest(&SHA256, bytes);
        let signed = [hashed(application).as_ref(), rest, hashed(message).as_ref()].concat();
        let present = flags & PRESENT != 0;
        let flags = Flags { present, verified: flags & VERIFIED != 0 };
        self.material.verify(format, &signed, value).then_some(Some(flags))
    }
}

use Material::{Ed25519, P256, P384, Rsa, SkEd25519, SkP256};

impl Material {
    fn read(kind: &str, reader: &mut Reader<'_>) -> Option<Self> {
        match kind {
            "ssh-ed25519" => ed25519(reader).map(Ed25519),
            "ecdsa-sha2-nistp256" => point(reader, b"nistp256", 32).map(P256),
            "ecdsa-sha2-nistp384" => point(reader, b"nistp384", 48).map(P384),
            "ssh-rsa" => {
                let exponent = reader.positive()?.to_vec();
                let modulus = reader.positive()?.to_vec();
                RSA.contains(&modulus.len()).then_some(Rsa { exponent, modulus })
            }
            "sk-ssh-ed25519@openssh.com" => {
                Some(SkEd25519(ed25519(reader)?, reader.string()?.to_vec()))
            }
            "sk-ecdsa-sha2-nistp256@openssh.com" => {
                Some(SkP256(point(reader, b"nistp256", 32)?, reader.string()?.to_vec()))
            }
            _ => None,
        }
    }

    fn verify(&self, format: &str, message: &[u8], signature: &[u8]) -> bool {
        match (self, format) {
            (Ed25519(key), "ssh-ed25519") | (SkEd25519(key, _), "sk-ssh-ed25519@openssh.com") => {
                is_signed(&ED25519, key, message, signature)
            }
            (P256(key), "ecdsa-sha2-nistp256")
            | (SkP256(key, _), "sk-ecdsa-sha2-nistp256@openssh.com") => fixed(signature, 32)
                .is_some_and(|it| is_signed(&ECDSA_P256_SHA256_FIXED, key, message, &it)),
            (P384(key), "ecdsa-sha2-nistp384") => fixed(signature, 48)
                .is_some_and(|it| is_signed(&ECDSA_P384_SHA384_FIXED, key, message, &it)),
            (Rsa { exponent, modulus }, "rsa-sha2-256" | "rsa-sha2-512") => {
                let parameters = match format {
                    "rsa-sha2-256" => &RSA_PKCS1_2048_8192_SHA256,
                    _ => &RSA_PKCS1_2048_8192_SHA512,
                };
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                padded(signature, modulus.len())
                    .is_some_and(|it| key.verify(parameters, message, &it).is_ok())
            }
            // Also RSA with SHA-1, whose format is called as the key, `ssh-rsa`.
            _ => false,
        }
    }
}

fn ed25519(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    reader.string().filter(|key| key.len() == 32).map(<[u8]>::to_vec)
}

/// Reads a point that is not compressed.
fn point(reader: &mut Reader<'_>, curve: &[u8], size: usize) -> Option<Vec<u8>> {
    if reader.string()? != curve {
        return None;
    }
    let point = reader.string()?;
    (point.len() == 1 + 2 * size && point[0] == 4).then(|| point.to_vec())
}

/// Reads the two numbers of an ECDSA signature.
fn fixed(signature: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut reader = Reader::new(signature);
    let (r, s) = (reader.positive()?, reader.positive()?);
    reader.end()?;
    Some([padded(r, size)?, padded(s, size)?].concat())
}

fn is_signed(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
}

/// Returns the bytes of a key or certificate that is written as in a `.pub` file, or as bytes.
pub(crate) fn blob_of(written: &[u8]) -> Option<Vec<u8>> {
    // The length of the type comes first in bytes; no text begins with NUL.
    if written.first() == Some(&0) {
        return Some(written.to_vec());
    }
    let text = std::str::from_utf8(written).ok()?;
    let mut words = text.split_ascii_whitespace();
    let (kind, encoded) = (words.next()?, words.next()?);
    decode(kind, encoded)
}

/// Decodes the base64 after a type; `None` if the bytes are of another type.
pub(crate) fn decode(kind: &str, encoded: &str) -> Option<Vec<u8>> {
    if encoded.len() > 2 * MAX {
        return None;
    }
    let blob = STANDARD.decode(encoded).ok()?;
    (Reader::new(&blob).string()? == kind.as_bytes()).then_some(blob)
}

impl Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").finish_non_exhaustive()
    }
}
