//! Binds a sealed record to its header and its entry.

use keyward_core::{EntryId, Error, Result, Secret};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The prefix of records whose encryption does not bind context itself.
const TAG: &[u8; 16] = b"keyward-bound-v1";

/// Returns the SHA-256 of header and entry, which an encryption that binds context mixes into its
/// key.
pub(crate) fn digest(header: &[u8], entry: &EntryId) -> [u8; 32] {
    Sha256::new().chain_update(header).chain_update(entry.to_bytes()).finalize().into()
}

/// Returns a tag, then the SHA-256 of header, entry and plaintext, then the plaintext.
pub(crate) fn bind(plain: &Secret, header: &[u8], entry: &EntryId) -> Secret {
    let mut bound = Vec::with_capacity(TAG.len() + 32 + plain.len());
    bound.extend_from_slice(TAG);
    bound.extend_from_slice(&place(plain.expose(), header, entry));
    bound.extend_from_slice(plain.expose());
    Secret::new(bound)
}

/// Returns the plaintext, if it was bound to this header and this entry.
///
/// # Errors
/// `Corrupt` if it was not.
pub(crate) fn unbind(bound: &Secret, header: &[u8], entry: &EntryId) -> Result<Secret> {
    let corrupt = || Error::corrupt("open");
    let rest = bound.expose().strip_prefix(TAG).ok_or_else(corrupt)?;
    let (found, plain) = rest.split_first_chunk::<32>().ok_or_else(corrupt)?;
    if place(plain, header, entry).ct_eq(found).into() {
        Ok(Secret::from(plain))
    } else {
        Err(corrupt())
    }
}

fn place(plain: &[u8], header: &[u8], entry: &EntryId) -> [u8; 32] {
    Sha256::new()
        .chain_update(header)
        .chain_update(entry.to_bytes())
        .chain_update(plain)
        .finalize()
        .into()
}
