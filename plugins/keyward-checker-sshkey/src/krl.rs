//! Keys and certificates that were revoked: a list of OpenSSH (its file `PROTOCOL.krl`, made by
//! `ssh-keygen -k`), or a text with a key or a fingerprint on each line.

use std::collections::HashSet;
use std::fmt::{self, Debug};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use keyward_plugin::{Error, Result};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use crate::certificate::Certificate;
use crate::key::{PublicKey, blob_of};
use crate::wire::Reader;

const MAGIC: &[u8] = b"SSHKRL\n\0";
const VERSION: u32 = 1;

const CERTIFICATES: u8 = 1;
const KEYS: u8 = 2;
const SHA1_FINGERPRINTS: u8 = 3;
const SHA256_FINGERPRINTS: u8 = 5;
const EXTENSION: u8 = 255;

const SERIALS: u8 = 0x20;
const SERIAL_RANGE: u8 = 0x21;
const SERIAL_BITMAP: u8 = 0x22;
const KEY_IDS: u8 = 0x23;
const CERTIFICATE_EXTENSION: u8 = 0x39;

/// What was revoked.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Revoked {
    keys: HashSet<Vec<u8>>,
    sha1: HashSet<Vec<u8>>,
    sha256: HashSet<Vec<u8>>,
    certificates: Vec<Certificates>,
}

/// Certificates of an authority.
#[derive(Default, PartialEq, Eq)]
struct Certificates {
    /// The key of the authority; empty for all.
    authority: Vec<u8>,
    serials: HashSet<u64>,
    ranges: Vec<(u64, u64)>,
    bitmaps: Vec<(u64, Vec<u8>)>,
    ids: HashSet<Vec<u8>>,
}

impl Revoked {
    /// Reads a list.
    ///
    /// # Errors
    /// [`Corrupt`](keyward_plugin::ErrorKind::Corrupt) for anything that is not understood: a key that
    /// is overlooked would still be accepted.
    pub(crate) fn parse(content: &[u8]) -> Result<Self> {
        let read = match content.strip_prefix(MAGIC) {
            Some(rest) => Self::binary(rest),
            None => Self::text(content),
        };
        read.ok_or_else(|| {
            Error::corrupt("read the revoked keys").because("the list of revoked keys is malformed")
        })
    }

    fn text(content: &[u8]) -> Option<Self> {
        let mut revoked = Self::default();
        for line in std::str::from_utf8(content).ok()?.lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(encoded) = line.strip_prefix("SHA256:") {
                let encoded = encoded.trim_end_matches('=');
                let hash = STANDARD_NO_PAD.decode(encoded).ok().filter(|hash| hash.len() == 32)?;
                revoked.sha256.insert(hash);
            } else {
                revoked.keys.insert(blob_of(line.as_bytes())?);
            }
        }
        Some(revoked)
    }

    fn binary(content: &[u8]) -> Option<Self> {
        let mut revoked = Self::default();
        let mut reader = Reader::new(content);
        if reader.u32()? != VERSION {
            return None;
        }
        // Its number, when it was made, flags, a reserved field, a comment.
        reader.bytes(3 * 8)?;
        reader.string()?;
        reader.string()?;
        while !reader.is_empty() {
            let kind = reader.byte()?;
            let section = reader.string()?;
            match kind {
                CERTIFICATES => revoked.certificates.push(Certificates::parse(section)?),
                KEYS => revoked.keys.extend(strings(section, None)?),
                SHA1_FINGERPRINTS => revoked.sha1.extend(strings(section, Some(20))?),
                SHA256_FINGERPRINTS => revoked.sha256.extend(strings(section, Some(32))?),
                EXTENSION => skip_extension(section)?,
                _ => return None,
            }
        }
        Some(revoked)
    }

    /// Whether a key was revoked.
    pub(crate) fn has_key(&self, key: &PublicKey) -> bool {
        let blob = key.blob();
        let is_in = |hashes: &HashSet<Vec<u8>>, algorithm| {
            !hashes.is_empty() && hashes.contains(digest(algorithm, blob).as_ref())
        };
        self.keys.contains(blob)
            || is_in(&self.sha256, &SHA256)
            || is_in(&self.sha1, &SHA1_FOR_LEGACY_USE_ONLY)
    }

    /// Whether a certificate, its key or the key of its authority was revoked.
    pub(crate) fn has_certificate(&self, certificate: &Certificate, blob: &[u8]) -> bool {
        self.keys.contains(blob)
            || self.has_key(&certificate.key)
            || self.has_key(&certificate.authority)
            || self.certificates.iter().any(|section| section.contain(certificate))
    }
}

impl Certificates {
    fn parse(section: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(section);
        let mut found = Self { authority: reader.string()?.to_vec(), ..Self::default() };
        reader.string()?; // Reserved.
        while !reader.is_empty() {
            let kind = reader.byte()?;
            let content = reader.string()?;
            let mut inner = Reader::new(content);
            match kind {
                SERIALS => {
                    while !inner.is_empty() {
                        found.serials.insert(inner.u64()?);
                    }
                }
                SERIAL_RANGE => {
                    found.ranges.push((inner.u64()?, inner.u64()?));
                    inner.end()?;
                }
                SERIAL_BITMAP => {
                    found.bitmaps.push((inner.u64()?, inner.positive()?.to_vec()));
                    inner.end()?;
                }
                KEY_IDS => found.ids.extend(strings(content, None)?),
                CERTIFICATE_EXTENSION => skip_extension(content)?,
                _ => return None,
            }
        }
        Some(found)
    }

    fn contain(&self, certificate: &Certificate) -> bool {
        let is_of = self.authority.is_empty() || self.authority == certificate.authority.blob();
        is_of && (self.ids.contains(&certificate.id) || self.has_serial(certificate.serial))
    }

    /// A certificate without a serial number has the number 0, which means none.
    fn has_serial(&self, serial: u64) -> bool {
        let in_bitmap = |(offset, bits): &(u64, Vec<u8>)| {
            let Some(bit) = serial.checked_sub(*offset) else { return false };
            let Ok(byte) = usize::try_from(bit / 8) else { return false };
            bits.iter().rev().nth(byte).is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
        };
        serial != 0
            && (self.serials.contains(&serial)
                || self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&serial))
                || self.bitmaps.iter().any(in_bitmap))
    }
}

/// Reads a list of strings, of this length if there is one.
fn strings(bytes: &[u8], length: Option<usize>) -> Option<Vec<Vec<u8>>> {
    let mut reader = Reader::new(bytes);
    let mut strings = Vec::new();
    while !reader.is_empty() {
        let string = reader.string()?;
        if length.is_some_and(|length| string.len() != length) {
            return None;
        }
        strings.push(string.to_vec());
    }
    Some(strings)
}

/// Skips what later versions may add, unless it must be understood.
fn skip_extension(bytes: &[u8]) -> Option<()> {
    let mut reader = Reader::new(bytes);
    reader.string()?;
    let is_critical = reader.byte()? != 0;
    reader.string()?;
    reader.end()?;
    (!is_critical).then_some(())
}

impl Debug for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revoked").finish_non_exhaustive()
    }
}
