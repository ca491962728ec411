//! What is read of some bytes, written again. Only what gives the same bytes may be read at all:
//! `tests/fuzz` looks for other ones.

use keyward_core::{Result, Secret};

use crate::envelope::Envelope;
use crate::keyset::Keyset;

/// A blob, by its header as it was read.
///
/// # Errors
/// `Corrupt` if it is none.
pub fn blob(bytes: &[u8]) -> Result<Vec<u8>> {
    let envelope = Envelope::parse(bytes)?;
    Ok([&envelope.header.encode()?, envelope.sealed].concat())
}

/// The plaintext of a keyset.
///
/// # Errors
/// `Corrupt` if it is none.
pub fn keyset(bytes: &Secret) -> Result<Secret> {
    Keyset::decode(bytes)?.encode()
}
