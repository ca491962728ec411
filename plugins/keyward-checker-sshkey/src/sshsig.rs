//! Signatures of messages, as `ssh-keygen -Y sign` writes them (OpenSSH's file `PROTOCOL.sshsig`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, SHA512, digest};

use crate::key::MAX;
use crate::wire::{Reader, put};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;

/// A signature, with the key or certificate that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sshsig {
    pub(crate) key: Vec<u8>,
    pub(crate) namespace: Vec<u8>,
    reserved: Vec<u8>,
    hash: Vec<u8>,
    /// What the key signed, and how: as in a login over SSH.
    pub(crate) signature: Vec<u8>,
}

impl Sshsig {
    /// Whether text is meant to be such a signature.
    pub(crate) fn is_one(text: &[u8]) -> bool {
        text.trim_ascii_start().starts_with(BEGIN.as_bytes())
    }

    /// Reads a signature between its two lines.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > 3 * MAX {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?.trim_ascii();
        let encoded = text.strip_prefix(BEGIN)?.strip_suffix(END)?;
        let encoded: String = encoded.split_ascii_whitespace().collect();
        let blob = STANDARD.decode(encoded).ok()?;
        let mut reader = Reader::new(&blob);
        if reader.bytes(MAGIC.len())? != MAGIC || reader.u32()? != VERSION {
            return None;
        }
        let mut next = || reader.string().map(<[u8]>::to_vec);
        let (key, namespace, reserved, hash) = (next()?, next()?, next()?, next()?);
        let signature = next()?;
        reader.end()?;
        Some(Self { key, namespace, reserved, hash, signature })
    }

    /// What the key signed, if the signature is of this message.
    pub(crate) fn signed(&self, message: &[u8]) -> Option<Vec<u8>> {
        let hash = match self.hash.as_slice() {
            b"sha256" => digest(&SHA256, message),
            b"sha512" => digest(&SHA512, message),
            _ => return None,
        };
        let mut signed = MAGIC.to_vec();
        for part in [&self.namespace, &self.reserved, &self.hash, hash.as_ref()] {
            put(&mut signed, part);
        }
        Some(signed)
    }
}
