//! The envelope, version 1: the header before every sealed record.
//!
//! `docs/envelope.md` specifies it and contains test vectors.

use keyward_core::{KeyId, Result, StoreId};

use crate::cursor::{Bytes, put_short};
use crate::owner::ENVELOPE;

/// The header. A seal authenticates its exact bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    pub(crate) store: StoreId,
    pub(crate) serializer: &'a str,
    pub(crate) encryption: &'a str,
    pub(crate) key: &'a [u8],
    pub(crate) generation: u64,
    pub(crate) salt: [u8; 32],
}

impl Header<'_> {
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(ENVELOPE);
        bytes.extend_from_slice(&self.store.0);
        put_short(&mut bytes, self.serializer.as_bytes())?;
        put_short(&mut bytes, self.encryption.as_bytes())?;
        put_short(&mut bytes, self.key)?;
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(&self.salt);
        Ok(bytes)
    }
}

/// The parts of a blob.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) header: Header<'a>,
    /// The bytes of the header in the blob.
    pub(crate) header_bytes: &'a [u8],
    pub(crate) sealed: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Parses a blob. The encoding of a header is canonical: two different encodings are never read
    /// as the same header.
    ///
    /// # Errors
    /// `Corrupt` if the blob does not begin with a header.
    pub(crate) fn parse(blob: &'a [u8]) -> Result<Self> {
        let mut bytes = Bytes::new(blob, "open");
        bytes.expect(ENVELOPE)?;
        let header = Header {
            store: StoreId(bytes.array()?),
            serializer: bytes.name()?,
            encryption: bytes.name()?,
            key: bytes.short()?,
            generation: u64::from_be_bytes(bytes.array()?),
            salt: bytes.array()?,
        };
        let sealed = bytes.rest();
        let header_bytes = &blob[..blob.len() - sealed.len()];
        if header.key.len() > KeyId::MAX {
            return Err(keyward_core::Error::corrupt("open"));
        }
        Ok(Self { header, header_bytes, sealed })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> Header<'static> {
        Header {
            store: StoreId([7; 16]),
            serializer: "cbor",
            encryption: "aes-gcm",
            key: b"12345678",
            generation: 3,
            salt: [9; 32],
        }
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let mut blob = header().encode().unwrap();
        let length = blob.len();
        blob.extend_from_slice(b"sealed");
        let envelope = Envelope::parse(&blob).unwrap();
        assert_eq!(envelope.header, header());
        assert_eq!((envelope.header_bytes.len(), envelope.sealed), (length, &b"sealed"[..]));
    }

    proptest! {
        #[test]
        fn any_header_is_read_as_it_was_written(
            store: [u8; 16],
            serializer in "[a-z-]{0,40}",
            encryption in "[a-z-]{0,40}",
            key in proptest::collection::vec(any::<u8>(), 0..=64),
            generation: u64,
            salt: [u8; 32],
            sealed in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let (serializer, encryption) = (serializer.as_str(), encryption.as_str());
            let header = Header { store: StoreId(store), serializer, encryption, key: &key, generation, salt };
            let blob = [header.encode().unwrap(), sealed.clone()].concat();
            let envelope = Envelope::parse(&blob).unwrap();
            prop_assert_eq!(envelope.header, header);
            prop_assert_eq!(envelope.sealed, sealed);
        }

        #[test]
        fn whatever_is_read_is_written_the_same(rest in proptest::collection::vec(any::<u8>(), 0..300)) {
            let blob = [ENVELOPE, &rest].concat();
            if let Ok(envelope) = Envelope::parse(&blob) {
                prop_assert_eq!(envelope.header.encode().unwrap(), envelope.header_bytes);
            }
        }
    }

    #[test]
    fn every_cut_is_refused() {
        let blob = header().encode().unwrap();
        for length in 0..blob.len() {
            assert!(Envelope::parse(&blob[..length]).is_err(), "{length}");
        }
    }
}
