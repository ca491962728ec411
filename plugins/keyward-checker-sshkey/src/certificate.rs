//! Certificates of OpenSSH (its file `PROTOCOL.certkeys`).

use keyward_plugin::Timestamp;

use crate::address::Networks;
use crate::key::{MAX, PublicKey};
use crate::wire::Reader;

const SUFFIX: &str = "-cert-v01@openssh.com";

/// The type of certificates for users; there are others for hosts.
const USER: u32 = 1;

/// A certificate of a user, with a right signature of its authority. Whether the authority is
/// trusted, and whether the certificate is valid now and here, is for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) key: PublicKey,
    pub(crate) serial: u64,
    pub(crate) id: Vec<u8>,
    /// The names that it is valid for; none if the list is empty.
    pub(crate) principals: Vec<String>,
    after: u64,
    before: u64,
    /// Where its owner must be.
    pub(crate) source: Option<Networks>,
    /// Whether a security key must have verified its user.
    pub(crate) verify_required: bool,
    /// Whether a security key need not have been touched.
    pub(crate) no_touch_required: bool,
    pub(crate) authority: PublicKey,
}

impl Certificate {
    /// Whether bytes are a certificate, and not a key.
    pub(crate) fn is_one(blob: &[u8]) -> bool {
        Reader::new(blob).text().is_some_and(|kind| kind.ends_with(SUFFIX))
    }

    /// Reads a certificate. `None` if it is malformed, not a user's, not signed by its authority, or
    /// restricted in a way that this checker cannot enforce.
    pub(crate) fn parse(blob: &[u8]) -> Option<Self> {
        if blob.len() > MAX {
            return None;
        }
        let mut reader = Reader::new(blob);
        let kind = plain(reader.text()?)?;
        reader.string()?; // The nonce.
        let key = PublicKey::read(&kind, &mut reader)?;
        let (serial, role) = (reader.u64()?, reader.u32()?);
        let id = reader.string()?.to_vec();
        let principals = texts(reader.string()?)?;
        let (after, before) = (reader.u64()?, reader.u64()?);
        let critical = pairs(reader.string()?)?;
        let extensions = pairs(reader.string()?)?;
        reader.string()?; // Reserved.
        let authority = PublicKey::parse(reader.string()?)?;
        let signed = &blob[..blob.len() - reader.rest().len()];
        let signature = reader.string()?;
        reader.end()?;
        authority.verify(signed, signature)?;
        let mut certificate = Self {
            key,
            serial,
            id,
            principals,
            after,
            before,
            source: None,
            verify_required: false,
            no_touch_required: extensions.iter().any(|(name, _)| *name == "no-touch-required"),
            authority,
        };
        if role != USER {
            return None;
        }
        for (name, data) in critical {
            certificate.restrict(name, data)?;
        }
        Some(certificate)
    }

    /// Notes a critical option. `force-command` is for a server that runs commands.
    fn restrict(&mut self, name: &str, data: &[u8]) -> Option<()> {
        match name {
            "source-address" => {
                let mut reader = Reader::new(data);
                self.source = Some(Networks::parse(reader.text()?)?);
                reader.end()
            }
            "verify-required" => {
                self.verify_required = true;
                data.is_empty().then_some(())
            }
            _ => None,
        }
    }

    pub(crate) fn is_valid_at(&self, now: Timestamp) -> bool {
        (self.after..self.before).contains(&now.as_unix())
    }
}

/// The type of the key in a certificate of this type.
fn plain(kind: &str) -> Option<String> {
    let base = kind.strip_suffix(SUFFIX)?;
    let suffix = if base.starts_with("sk-") { "@openssh.com" } else { "" };
    Some(format!("{base}{suffix}"))
}

/// Reads a list of texts.
fn texts(bytes: &[u8]) -> Option<Vec<String>> {
    let mut reader = Reader::new(bytes);
    let mut texts = Vec::new();
    while !reader.is_empty() {
        texts.push(reader.text()?.to_owned());
    }
    Some(texts)
}

/// Reads a list of names with data. The names are in order, so that none is there twice.
fn pairs(bytes: &[u8]) -> Option<Vec<(&str, &[u8])>> {
    let mut reader = Reader::new(bytes);
    let mut pairs: Vec<(&str, &[u8])> = Vec::new();
    while !reader.is_empty() {
        pairs.push((reader.text()?, reader.string()?));
    }
    pairs.is_sorted_by(|one, next| one.0 < next.0).then_some(pairs)
}
