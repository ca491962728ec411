use std::io::Cursor;

use keyward_core::{ErrorKind, Registration, Serializer as _};
use keyward_loader::{Elf, read_any_table, read_elf, serve_in_turn};
use keyward_plugin::abi::MAJOR;
use keyward_plugin::cbor::{decode_record, encode_record};
use keyward_serializer_cbor::Cbor;
use keyward_storage_memory::Memory;
use keyward_wire::message::read_any_message;

/// A record that is encoded for a plugin is decoded unchanged, and its bytes are those that the
/// serializer `cbor` writes and reads.
pub fn plugin_record(bytes: &[u8]) {
    match decode_record(bytes) {
        Ok(record) => {
            let encoded = encode_record(&record).expect("a record that was decoded");
            assert!(encoded == Cbor.encode(&record).expect("a record"), "{record:?}");
            for decoded in [decode_record(encoded.expose()), Cbor.decode(encoded.expose())] {
                assert!(decoded.expect("a record that was encoded") == record, "{record:?}");
            }
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
            if let Ok(record) = Cbor.decode(bytes) {
                let encoded = Cbor.encode(&record).expect("a record that was decoded");
                assert!(encoded.expose() != bytes, "{record:?}");
            }
        }
    }
}

/// If a file is accepted as a plugin's library, its entry is one of this interface.
pub fn plugin_elf(bytes: &[u8]) {
    match read_elf(bytes) {
        Ok(Elf::Program) => {}
        Ok(Elf::Library(library)) => {
            if let Ok(entry) = library.entry() {
                let symbol = format!("keyward_plugin_v{MAJOR}__{}", entry.package());
                assert_eq!((&entry.symbol, entry.major), (&symbol, u32::from(MAJOR)));
            }
        }
        Err(error) => {
            use ErrorKind::{Refused, Unavailable};
            assert!(matches!(error.kind(), Refused | Unavailable), "{error:?}");
        }
    }
}

/// A table with any content is read completely or refused.
pub fn plugin_table(bytes: &[u8]) {
    match read_any_table(bytes) {
        Ok(names) => assert!(names.iter().all(|name| !name.is_empty() && name.is_ascii())),
        Err(error) => {
            use ErrorKind::{Refused, Unavailable};
            assert!(matches!(error.kind(), Refused | Unavailable), "{error:?}");
        }
    }
}

/// Any frames that a host sends to a child: valid calls are done, all others get an error, and a
/// frame that is not a message ends the child.
pub fn plugin_frames(bytes: &[u8]) {
    let backends = [
        Registration::serializer::<Cbor>("fuzz", "1"),
        Registration::storage::<Memory>("fuzz", "1"),
    ];
    match serve_in_turn(&backends, Cursor::new(bytes.to_vec()), std::io::sink()) {
        Ok(()) => {}
        Err(error) => {
            use ErrorKind::{Invalid, Unavailable};
            assert!(matches!(error.kind(), Invalid | Unavailable), "{error:?}");
        }
    }
}

/// Any message of either side, read as every kind of message.
pub fn plugin_message(bytes: &[u8]) {
    read_any_message(bytes);
}
