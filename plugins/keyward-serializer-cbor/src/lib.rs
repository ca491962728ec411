//! Serializer `cbor`: compact and self-describing (RFC 8949). The default.
//!
//! # Security
//! While it decodes, the crate `ciborium` collects text and bytes in buffers that it does not wipe.

use std::sync::Arc;

use keyward_plugin::wire::Wire;
use keyward_plugin::{
    Backend, Error, ErrorKind, Host, Info, MAX_RECORD, NoOptions, Record, Result, Secret,
    SecretWriter, Serializer,
};

keyward_plugin::register!(serializer: Cbor);

/// More than the depth of any record.
const MAX_DEPTH: usize = 16;

/// The serializer `cbor`.
#[derive(Clone, Copy, Debug)]
pub struct Cbor;

impl Backend for Cbor {
    const INFO: Info = Info::new("cbor", "CBOR (RFC 8949): compact and self-describing");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Serializer for Cbor {
    fn encode(&self, record: &Record) -> Result<Secret> {
        let mut out = SecretWriter::limited(MAX_RECORD);
        ciborium::into_writer(&Wire::from(record), &mut out)
            .map_err(|_| Error::new(ErrorKind::Unsupported, "encode"))?;
        Ok(out.finish())
    }

    fn decode(&self, bytes: &[u8]) -> Result<Record> {
        let mut rest = bytes;
        let wire: Wire<'_> = ciborium::de::from_reader_with_recursion_limit(&mut rest, MAX_DEPTH)
            .map_err(|_| Error::corrupt("decode"))?;
        if !rest.is_empty() {
            return Err(Error::corrupt("decode"));
        }
        Record::try_from(wire)
    }
}

#[cfg(test)]
keyward_testkit::serializer_suite!(Cbor, |_| keyward_plugin::Values::new());
