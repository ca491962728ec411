use keyward_core::{ErrorKind, Serializer};
use keyward_serializer_bincode::Bincode;
use keyward_serializer_cbor::Cbor;
use keyward_serializer_json::Json;
use keyward_serializer_postcard::Postcard;

/// What `bincode` decodes comes back.
pub fn serializer_bincode(bytes: &[u8]) {
    comes_back(&Bincode, bytes);
}

/// What `cbor` decodes comes back.
pub fn serializer_cbor(bytes: &[u8]) {
    comes_back(&Cbor, bytes);
}

/// What `json` decodes comes back.
pub fn serializer_json(bytes: &[u8]) {
    comes_back(&Json, bytes);
}

/// What `postcard` decodes comes back.
pub fn serializer_postcard(bytes: &[u8]) {
    comes_back(&Postcard, bytes);
}

/// What is decoded is encoded again, to something that decodes to the same record; all else is
/// corrupt.
fn comes_back(serializer: &dyn Serializer, bytes: &[u8]) {
    match serializer.decode(bytes) {
        Ok(record) => {
            let encoded = serializer.encode(&record).expect("a record that was decoded");
            let decoded = serializer.decode(encoded.expose()).expect("a record that was encoded");
            assert!(decoded == record, "{record:?} comes back as {decoded:?}");
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}"),
    }
}
