//! Bytes that nobody would write in good faith.

use std::time::{Duration, Instant};

use keyward_plugin::{ErrorKind, Field, MAX_RECORD, Record, Serializer};
use keyward_serializer_postcard::Postcard;
use proptest::prelude::*;

#[test]
fn lengths_that_nothing_can_hold_are_refused_at_once() {
    let tebibyte = b"\x80\x80\x80\x80\x80\x20abc";
    // Behind the version it is the length of the record's kind, behind the kind that of the map
    // of fields.
    for bomb in
        [tebibyte.to_vec(), [b"\0", &tebibyte[..]].concat(), [b"\0\x01k", &tebibyte[..]].concat()]
    {
        let started = Instant::now();
        assert_eq!(Postcard.decode(&bomb).unwrap_err().kind(), ErrorKind::Corrupt, "{bomb:x?}");
        assert!(started.elapsed() < Duration::from_secs(1), "{bomb:x?}");
    }
}

#[test]
fn the_largest_record_that_encodes_decodes() {
    let filled = |size| Record::new("large").with("f", Field::secret(vec![0xff; size]));
    let overhead = Postcard.encode(&filled(0)).unwrap().len() + 16;
    let record = filled(MAX_RECORD - overhead);
    let encoded = Postcard.encode(&record).unwrap();
    assert_eq!(Postcard.decode(encoded.expose()).unwrap(), record);
    let error = Postcard.encode(&filled(MAX_RECORD)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn many_short_fields_decode() {
    let record = (0..4096)
        .fold(Record::new("many"), |record, i| record.with(i.to_string(), Field::open("")));
    let encoded = Postcard.encode(&record).unwrap();
    assert_eq!(Postcard.decode(encoded.expose()).unwrap(), record);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        // The first byte is the version; with any other one nothing behind it would be read.
        let v1 = [&[0][..], &bytes].concat();
        for bytes in [bytes, v1] {
            if let Err(error) = Postcard.decode(&bytes) {
                prop_assert_eq!(error.kind(), ErrorKind::Corrupt);
            }
        }
    }

    #[test]
    fn an_altered_byte_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let record = Record::new("user-password")
            .with("password", Field::secret("s3cret"))
            .with("username", Field::open("ann"));
        let mut encoded = Postcard.encode(&record).unwrap().expose().to_vec();
        let at = at.index(encoded.len());
        encoded[at] = byte;
        if let Err(error) = Postcard.decode(&encoded) {
            prop_assert_eq!(error.kind(), ErrorKind::Corrupt);
            prop_assert!(std::error::Error::source(&error).is_none());
        }
    }
}
