use std::fmt::Debug;

use crate::{Record, Result, Secret};

/// Turns a record into bytes and back.
///
/// Implemented by backends; most of them hand [`wire::Wire`](crate::wire::Wire) to a serde
/// format.
///
/// # Contract
/// - `decode` of what `encode` gave is the same record.
/// - The whole input is used up; trailing bytes are an error.
/// - Size, depth and number of items are limited, before memory is taken for them.
/// - A record that the format cannot hold is refused; no field is ever dropped.
///
/// # Errors
/// - [`Unsupported`](crate::ErrorKind::Unsupported): the format cannot hold this record.
/// - [`Corrupt`](crate::ErrorKind::Corrupt): the bytes are not a record.
///
/// # Security
/// Decoders' own error texts quote what they read. They must not become part of the error.
#[expect(clippy::missing_errors_doc, reason = "the trait's own page says it for all of them")]
pub trait Serializer: Debug + Send + Sync {
    /// The record, encoded.
    fn encode(&self, record: &Record) -> Result<Secret>;

    /// The record that these bytes encode.
    fn decode(&self, bytes: &[u8]) -> Result<Record>;
}
