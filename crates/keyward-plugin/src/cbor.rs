//! Records as CBOR (RFC 8949): how they cross the doors through which backends come.
//!
//! The bytes are those of the serializer `cbor`.

use keyward_core::wire::Wire;
use keyward_core::{Error, ErrorKind, MAX_RECORD, Record, Result, Secret, SecretWriter};
use minicbor::encode::write::Writer;
use minicbor_serde::{Deserializer, Serializer};
use serde::{Deserialize, Serialize};

/// Writes a record as CBOR.
///
/// # Errors
/// [`Unsupported`](ErrorKind::Unsupported) for more than [`MAX_RECORD`] bytes, and for text that is none.
///
/// # Examples
/// ```
/// use keyward_plugin::{Field, Record, cbor};
///
/// let record = Record::new("token").with("token", Field::secret("t"));
/// let bytes = cbor::encode_record(&record)?;
/// assert_eq!(cbor::decode_record(bytes.expose())?, record);
/// # Ok::<(), keyward_plugin::Error>(())
/// ```
pub fn encode_record(record: &Record) -> Result<Secret> {
    let mut serializer = Serializer::new(Writer::new(SecretWriter::limited(MAX_RECORD)));
    Wire::from(record)
        .serialize(&mut serializer)
        .map_err(|_| Error::new(ErrorKind::Unsupported, "encode"))?;
    Ok(serializer.into_encoder().into_writer().into_inner().finish())
}

/// Reads a record from CBOR.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) if the bytes are anything but one record.
pub fn decode_record(bytes: &[u8]) -> Result<Record> {
    let mut deserializer = Deserializer::new(bytes);
    // The decoder's own error quotes what it read, so it goes no further.
    let wire = Wire::deserialize(&mut deserializer).map_err(|_| Error::corrupt("decode"))?;
    if bytes.len() > MAX_RECORD || deserializer.decoder().position() != bytes.len() {
        return Err(Error::corrupt("decode"));
    }
    Record::try_from(wire)
}

#[cfg(test)]
mod tests {
    use keyward_core::Field;

    use super::*;

    #[test]
    fn every_cut_and_every_byte_more_is_corrupt() {
        let record = Record::new("token")
            .with("token", Field::secret("t"))
            .with("raw", Field::secret(vec![0xff, 0]));
        let bytes = encode_record(&record).unwrap();
        for len in 0..bytes.len() {
            assert!(decode_record(&bytes.expose()[..len]).is_err(), "{len}");
        }
        assert!(decode_record(&[bytes.expose(), &[0]].concat()).is_err());
        assert_eq!(decode_record(bytes.expose()).unwrap(), record);
    }

    #[test]
    fn hostile_bytes_take_no_memory() {
        for bytes in [
            &b"\xa1\x62V1\xbb\xff\xff\xff\xff\xff\xff\xff\xff"[..],
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
            &[0x81; 100_000],
        ] {
            assert_eq!(decode_record(bytes).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }
}
