//! Records as CBOR (RFC 8949), the form in which Keyward and plugins exchange them.
//!
//! The bytes are those of the serializer `cbor`. The reader is stricter than serde's: each key
//! occurs exactly once, no other key may occur, and all lengths are definite.

mod read;
mod write;

use keyward_core::{Error, ErrorKind, MAX_RECORD, Record, Result, Secret, SecretWriter};
use minicbor::encode::write::Writer;
use minicbor::{Decoder, Encoder};

/// Encodes a record as CBOR.
///
/// # Errors
/// [`Unsupported`](ErrorKind::Unsupported) for more than [`MAX_RECORD`] bytes, and for text that is
/// not UTF-8.
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
    let mut encoder = Encoder::new(Writer::new(SecretWriter::limited(MAX_RECORD)));
    write::record(&mut encoder, record)
        .map_err(|_| Error::new(ErrorKind::Unsupported, "encode"))?;
    Ok(encoder.into_writer().into_inner().finish())
}

/// Decodes a record from CBOR.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) if the bytes are not exactly one record.
pub fn decode_record(bytes: &[u8]) -> Result<Record> {
    let mut decoder = Decoder::new(bytes);
    let record = read::record(&mut decoder);
    // The decoder's error might quote what it read, so it is dropped.
    match record {
        Ok(record) if bytes.len() <= MAX_RECORD && decoder.position() == bytes.len() => Ok(record),
        _ => Err(Error::corrupt("decode")),
    }
}

#[cfg(test)]
mod tests {
    use keyward_core::{Derivation, EntryId, Field, MAX_ITEMS, Origin, Revision, Timestamp};

    use super::*;

    /// Makes a record in which every part is set.
    fn full() -> Record {
        let raw = Field::open(vec![0xff]).with_expires(Some(Timestamp::from_unix(7)));
        let mut record = Record::new("token").with("token", Field::secret("t")).with("raw", raw);
        record.origins.push(Origin { scheme: "https".into(), host: "h".into(), port: 443 });
        (record.created, record.updated) = (Timestamp::from_unix(1), Timestamp::from_unix(2));
        record.expires = Some(Timestamp::from_unix(u64::MAX));
        record.labels.insert("team".into(), "red".into());
        record.derived_from =
            Some(Derivation::new(EntryId::new("ann", Some("refresh")).unwrap(), Revision::from(7)));
        record.used = Some(Timestamp::from_unix(3));
        record
    }

    /// Makes a record in which every part is set that version 1 has.
    fn unused() -> Record {
        let mut record = full();
        record.used = None;
        record
    }

    /// Replaces the one occurrence of `from` in the full record.
    fn changed(from: &[u8], to: &[u8]) -> Result<Record> {
        let mut bytes = encode_record(&full()).unwrap().expose().to_vec();
        let place = position(&bytes, from, 0);
        bytes.splice(place..place + from.len(), to.iter().copied());
        decode_record(&bytes)
    }

    #[test]
    fn a_truncated_or_extended_record_is_corrupt() {
        for record in [Record::new(""), unused(), full()] {
            let bytes = encode_record(&record).unwrap();
            for len in 0..bytes.len() {
                assert!(decode_record(&bytes.expose()[..len]).is_err(), "{len}");
            }
            assert!(decode_record(&[bytes.expose(), &[0]].concat()).is_err());
            assert_eq!(decode_record(bytes.expose()).unwrap(), record);
        }
    }

    #[test]
    fn keys_may_come_in_any_order() {
        let read = changed(b"\x67created\x01\x67updated\x02", b"\x67updated\x02\x67created\x01");
        assert_eq!(read.unwrap(), full());
    }

    /// The bytes before a map of the full record, the head of that map, and one of its keys with
    /// its value.
    const PAIRS: [(&[u8], &[u8], &[u8]); 20] = [
        (b"", b"\xa9", b"\x64kind\x65token"),
        (b"", b"\xa9", b"\x67created\x01"),
        (b"", b"\xa9", b"\x67updated\x02"),
        (b"", b"\xa9", b"\x67expires\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
        (b"", b"\xa9", b"\x64used\x03"),
        (b"", b"\xa9", b"\x66labels\xa1\x64team\x63red"),
        (b"", b"\xa9", b"\x67origins\x81\xa3\x66scheme\x65https\x64host\x61h\x64port\x19\x01\xbb"),
        (b"\x63raw", b"\xa3", b"\x66secret\xf4"),
        (b"\x63raw", b"\xa3", b"\x67expires\x07"),
        (b"\x63raw", b"\xa3", b"\x65value\xa1\x65bytes\x41\xff"),
        (b"\x65value", b"\xa1", b"\x65bytes\x41\xff"),
        (b"\x65token", b"\xa3", b"\x66secret\xf5"),
        (b"\x65token", b"\xa3", b"\x67expires\xf6"),
        (b"\x65token", b"\xa3", b"\x65value\xa1\x64text\x61t"),
        (b"\x67origins\x81", b"\xa3", b"\x66scheme\x65https"),
        (b"\x67origins\x81", b"\xa3", b"\x64host\x61h"),
        (b"\x67origins\x81", b"\xa3", b"\x64port\x19\x01\xbb"),
        (b"\x6cderived_from", b"\xa3", b"\x64user\x63ann"),
        (b"\x6cderived_from", b"\xa3", b"\x64name\x67refresh"),
        (b"\x6cderived_from", b"\xa3", b"\x68revision\x48\0\0\0\0\0\0\0\x07"),
    ];

    #[test]
    fn every_key_must_occur_once_and_no_other_may() {
        let bytes = encode_record(&full()).unwrap().expose().to_vec();
        for (before, head, pair) in PAIRS {
            let start = [before, head].concat();
            let map = position(&bytes, &start, 0) + before.len();
            let place = position(&bytes, pair, map);
            let with = |keys: i8, pair: &[u8]| {
                let mut bytes = bytes.clone();
                bytes.splice(place..place, pair.iter().copied());
                bytes[map] = bytes[map].wrapping_add_signed(keys);
                decode_record(&bytes).map_err(|error| error.kind())
            };
            let shown = pair.escape_ascii();
            assert_eq!(with(0, b""), Ok(full()), "{shown}");
            assert_eq!(with(1, pair), Err(ErrorKind::Corrupt), "{shown} twice");
            assert_eq!(with(1, b"\x64more\x00"), Err(ErrorKind::Corrupt), "more before {shown}");
            let mut without = bytes.clone();
            without.drain(place..place + pair.len());
            without[map] -= 1;
            assert!(decode_record(&without).is_err(), "without {shown}");
        }
    }

    #[test]
    fn the_time_of_the_last_use_makes_it_version_2_and_is_nowhere_else() {
        let [v1, v2] = [unused(), full()].map(|it| encode_record(&it).unwrap().expose().to_vec());
        assert!(v1.starts_with(b"\xa1\x62V1\xa8") && v2.starts_with(b"\xa1\x62V2\xa9"));
        assert_eq!(v2[5..], [&v1[5..], b"\x64used\x03"].concat());
        let both = [b"\xa2", &v1[1..], &v2[1..]].concat();
        for bad in [
            &[b"\xa1\x62V1\xa9", &v2[5..]].concat(),
            &[b"\xa1\x62V2\xa8", &v1[5..]].concat(),
            &[b"\xa1\x62V3\xa9", &v2[5..]].concat(),
            &[b"\xa1\x62V2\xa9", &v1[5..], b"\x64used\xf6"].concat(),
            &both,
        ] {
            assert_eq!(decode_record(bad).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }

    fn position(bytes: &[u8], part: &[u8], from: usize) -> usize {
        let found = bytes[from..].windows(part.len()).position(|it| it == part);
        from + found.unwrap_or_else(|| panic!("{} is there", part.escape_ascii()))
    }

    #[test]
    fn a_value_of_another_type_is_corrupt() {
        for (from, to) in [
            (&b"\x67created\x01"[..], &b"\x67created\x20"[..]),
            (b"\x67created\x01", b"\x67created\xf6"),
            (b"\x64port\x19\x01\xbb", b"\x64port\x1a\x00\x01\x00\x00"),
            (b"\x66secret\xf4", b"\x66secret\x00"),
            (b"\x65bytes\x41\xff", b"\x64text\x61\xff"),
            (b"\x65bytes\x41\xff", b"\x65bytes\x61t"),
            (b"\x65bytes\x41\xff", b"\x65bytes\x5f\x41\xff\xff"),
            (b"\x67origins\x81", b"\x67origins\x9f"),
            (b"\x64user\x63ann", b"\x64user\x63\x00nn"),
        ] {
            assert_eq!(changed(from, to).unwrap_err().kind(), ErrorKind::Corrupt, "{to:x?}");
        }
    }

    #[test]
    fn more_than_a_record_may_have_is_refused_on_both_sides() {
        let mut record = Record::new("token");
        let names = (0..MAX_ITEMS).map(|i| (format!("{i:04}"), String::new()));
        record.labels = names.collect();
        let mut bytes = encode_record(&record).unwrap().expose().to_vec();
        assert_eq!(decode_record(&bytes).unwrap(), record);

        let place = bytes.windows(7).position(|window| window == b"labels\xb9").unwrap() + 7;
        bytes[place + 1] += 1;
        bytes.splice(place + 2..place + 2, *b"\x64more\x60");
        assert!(decode_record(&bytes).is_err());
        record.labels.insert("more".into(), String::new());
        assert_eq!(encode_record(&record).unwrap_err().kind(), ErrorKind::Unsupported);
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
