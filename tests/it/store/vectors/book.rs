//! A reader of envelopes written from `docs/envelope.md` alone, without Keyward's own code.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Sealed, hex, unhex};

/// The header's fields; bytes are in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) store: String,
    pub(super) serializer: String,
    pub(super) encryption: String,
    pub(super) key: String,
    pub(super) generation: u64,
    pub(super) salt: String,
}

impl Header {
    /// The header of a blob, and how long it is.
    pub(super) fn read(blob: &[u8]) -> (Self, usize) {
        let mut rest = blob.strip_prefix(b"KEYWARD\x01").expect("it starts with the magic bytes");
        let mut take = |length: usize| {
            let (taken, after) = rest.split_at(length);
            rest = after;
            taken
        };
        let store = hex(take(16));
        let mut short = || {
            let length = take(1)[0];
            take(length.into()).to_vec()
        };
        let (serializer, encryption, key) = (short(), short(), short());
        let generation = u64::from_be_bytes(take(8).try_into().unwrap());
        let salt = hex(take(32));
        let header = Self {
            store,
            serializer: String::from_utf8(serializer).unwrap(),
            encryption: String::from_utf8(encryption).unwrap(),
            key: hex(&key),
            generation,
            salt,
        };
        (header, blob.len() - rest.len())
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = b"KEYWARD\x01".to_vec();
        bytes.extend(unhex(&self.store));
        for part in [self.serializer.as_bytes(), self.encryption.as_bytes(), &unhex(&self.key)] {
            bytes.push(part.len() as u8);
            bytes.extend(part);
        }
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(unhex(&self.salt));
        bytes
    }
}

/// The encoded record in a blob; `unseal_age` opens an age file.
pub(super) fn open(sealed: &Sealed, unseal_age: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let blob = unhex(&sealed.blob);
    let (header, length) = Header::read(&blob);
    let (header_bytes, body) = blob.split_at(length);
    let entry = entry(&sealed.user, sealed.name.as_deref().unwrap_or_default());
    let bound = match sealed.encryption.as_str() {
        "aes-gcm" => {
            return open_aes_gcm(
                &store_key(sealed, &header.key),
                &header.salt,
                header_bytes,
                &entry,
                body,
            );
        }
        "age" => unseal_age(body),
        _ => body.to_vec(),
    };
    let rest = bound.strip_prefix(b"keyward-bound-v1").expect("it starts with the tag");
    let (digest, plain) = rest.split_at(32);
    assert_eq!(digest, sha256(&[header_bytes, &entry, plain]));
    plain.to_vec()
}

/// The steps of the worked example, each with its bytes.
pub(super) fn steps(sealed: &Sealed) -> Vec<(&'static str, String)> {
    let blob = unhex(&sealed.blob);
    let (header, length) = Header::read(&blob);
    let (header_bytes, body) = blob.split_at(length);
    let entry = entry(&sealed.user, sealed.name.as_deref().unwrap_or_default());
    let key = store_key(sealed, &header.key);
    let derived = derive(&key, &header.salt, &sha256(&[header_bytes, &entry]));
    let keyset = unhex(sealed.keyset.as_deref().unwrap());
    let at = keyset_header(&keyset);
    vec![
        ("key source's key", hex(&STANDARD.decode(sealed.key.as_deref().unwrap()).unwrap())),
        ("keyset blob", hex(&keyset)),
        ("its header", hex(&keyset[..at])),
        ("its entry", hex(&self::entry("", "keyset"))),
        ("its plaintext", hex(&keyset_plain(sealed))),
        ("store key", hex(&key)),
        ("blob", hex(&blob)),
        ("header", hex(header_bytes)),
        ("entry", hex(&entry)),
        ("binding", hex(&sha256(&[header_bytes, &entry]))),
        ("derived key", hex(&derived[..32])),
        ("commitment", hex(&derived[32..])),
        ("ciphertext", hex(&body[32..body.len() - 16])),
        ("tag", hex(&body[body.len() - 16..])),
        ("plaintext", String::from_utf8(open(sealed, <[u8]>::to_vec)).unwrap()),
    ]
}

/// User and name, each after its length.
fn entry(user: &str, name: &str) -> Vec<u8> {
    let part = |text: &str| [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat();
    [part(user), part(name)].concat()
}

fn store_key(sealed: &Sealed, id: &str) -> Vec<u8> {
    let plain = keyset_plain(sealed);
    assert_eq!(plain[0], 1);
    let keys = plain[6..].chunks(40).map(|entry| entry.split_at(8));
    let found = keys.into_iter().find(|(found, _)| hex(found) == id);
    found.expect("the keyset has the key").1.to_vec()
}

/// If the key source is `env`, the vector contains the key itself. If it is `passphrase`, Argon2id
/// derives the key, with the parameters in the keyset's header.
pub(super) fn keyset_plain(sealed: &Sealed) -> Vec<u8> {
    let blob = unhex(sealed.keyset.as_deref().unwrap());
    let at = keyset_header(&blob);
    let (header, body) = blob.split_at(at);
    let key = match sealed.key_source.as_deref() {
        Some("env") => STANDARD.decode(sealed.key.as_deref().unwrap()).unwrap(),
        _ => argon2id(sealed.key.as_deref().unwrap(), &header[at - 32 - 29..at - 32]),
    };
    open_aes_gcm(&key, &hex(&header[at - 32..]), header, &entry("", "keyset"), body)
}

fn argon2id(passphrase: &str, parameters: &[u8]) -> Vec<u8> {
    let cost = |at: usize| u32::from_be_bytes(parameters[at..at + 4].try_into().unwrap());
    assert_eq!(parameters[0], 1);
    let costs = Params::new(cost(1), cost(5), cost(9), Some(32)).unwrap();
    let mut key = vec![0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, costs)
        .hash_password_into(passphrase.as_bytes(), &parameters[13..], &mut key)
        .unwrap();
    key
}

/// How long the header of a wrapped keyset is.
fn keyset_header(blob: &[u8]) -> usize {
    let mut at = b"KEYWARDSET\x01".len() + 16;
    for _ in ["encryption", "key source"] {
        at += 1 + usize::from(blob[at]);
    }
    at + 2 + usize::from(u16::from_be_bytes([blob[at], blob[at + 1]])) + 32
}

fn open_aes_gcm(key: &[u8], salt: &str, header: &[u8], entry: &[u8], body: &[u8]) -> Vec<u8> {
    let derived = derive(key, salt, &sha256(&[header, entry]));
    let (commitment, sealed) = body.split_at(32);
    assert_eq!(commitment, &derived[32..]);
    let cipher = Aes256Gcm::new_from_slice(&derived[..32]).unwrap();
    cipher.decrypt(&Nonce::default(), Payload { msg: sealed, aad: header }).unwrap()
}

fn derive(key: &[u8], salt: &str, binding: &[u8]) -> [u8; 64] {
    let mut derived = [0; 64];
    Hkdf::<Sha256>::new(Some(&unhex(salt)), key).expand(binding, &mut derived).unwrap();
    derived
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    Sha256::digest(parts.concat()).to_vec()
}
