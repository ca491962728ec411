use std::fmt::Debug;

use crate::{Record, Result, Secret};

/// Turns a record into bytes and back.
///
/// Backends implement it; most of them pass [`wire::Wire`](crate::wire::Wire) to a serde format.
///
/// # Contract
/// - `decode` returns the record that `encode` was given.
/// - `decode` reads the whole input; trailing bytes are an error.
/// - Size, depth and number of items are checked before memory is allocated for them.
/// - A record that the format cannot hold is refused; no field is ever dropped.
///
/// # Errors
/// - [`Unsupported`](crate::ErrorKind::Unsupported): the format cannot hold this record.
/// - [`Corrupt`](crate::ErrorKind::Corrupt): the bytes are not a record.
///
/// # Security
/// The error texts of decoders quote what they read. They must not become part of the error.
#[expect(clippy::missing_errors_doc, reason = "the trait's own page says it for all of them")]
pub trait Serializer: Debug + Send + Sync {
    /// Encodes a record.
    fn encode(&self, record: &Record) -> Result<Secret>;

    /// Decodes a record.
    fn decode(&self, bytes: &[u8]) -> Result<Record>;
}
