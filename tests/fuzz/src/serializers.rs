use keyward_core::{ErrorKind, Serializer};
use keyward_serializer_bincode::Bincode;
use keyward_serializer_cbor::Cbor;
use keyward_serializer_json::Json;
use keyward_serializer_postcard::Postcard;

/// A record that `bincode` decodes is unchanged after encoding and decoding.
pub fn serializer_bincode(bytes: &[u8]) {
    comes_back(&Bincode, bytes);
}

/// A record that `cbor` decodes is unchanged after encoding and decoding.
pub fn serializer_cbor(bytes: &[u8]) {
    comes_back(&Cbor, bytes);
}

/// A record that `json` decodes is unchanged after encoding and decoding.
pub fn serializer_json(bytes: &[u8]) {
    comes_back(&Json, bytes);
}

/// A record that `postcard` decodes is unchanged after encoding and decoding.
pub fn serializer_postcard(bytes: &[u8]) {
    comes_back(&Postcard, bytes);
}

/// A record that is decoded can be encoded, and the encoding decodes to the same record. Other
/// bytes are `Corrupt`.
fn comes_back(serializer: &dyn Serializer, bytes: &[u8]) {
    match serializer.decode(bytes) {
        Ok(record) => {
            let encoded = serializer.encode(&record).expect("a record that was decoded");
            let decoded = serializer.decode(encoded.expose()).expect("a record that was encoded");
            assert!(decoded == record, "{record:?} is decoded as {decoded:?}");
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}"),
    }
}
