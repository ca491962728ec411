//! Parses bytes and encodes the result again. Every accepted input must give the same bytes:
//! `tests/fuzz` searches for exceptions.

use keyward_core::{Result, Secret};

use crate::envelope::Envelope;
use crate::keyset::Keyset;

/// Rewrites a blob from its parsed header.
///
/// # Errors
/// `Corrupt` if the bytes are not a blob.
pub fn rewrite_blob(bytes: &[u8]) -> Result<Vec<u8>> {
    let envelope = Envelope::parse(bytes)?;
    Ok([&envelope.header.encode()?, envelope.sealed].concat())
}

/// Rewrites the plaintext of a keyset.
///
/// # Errors
/// `Corrupt` if the bytes are not a keyset.
pub fn rewrite_keyset(bytes: &Secret) -> Result<Secret> {
    Keyset::decode(bytes)?.encode()
}
