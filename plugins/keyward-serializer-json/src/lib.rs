//! Serializer `json`: records that people and other programs can read.
//!
//! Text is written as text, bytes as base64. Duplicate keys are refused.
//!
//! # Security
//! While it decodes, the crate `serde_json` collects text with escapes (quotation marks,
//! backslashes, control characters) in a buffer that it frees without wiping. Of the other
//! serializers, only `cbor` has such a buffer.

use std::sync::Arc;

use keyward_plugin::wire::Wire;
use keyward_plugin::{
    Backend, Error, ErrorKind, Host, Info, MAX_RECORD, NoOptions, Record, Result, Secret,
    SecretWriter, Serializer,
};

keyward_plugin::register!(serializer: Json);

/// The serializer `json`.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl Backend for Json {
    const INFO: Info = Info::new("json", "JSON: records that people can read");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Serializer for Json {
    fn encode(&self, record: &Record) -> Result<Secret> {
        let mut out = SecretWriter::limited(MAX_RECORD);
        serde_json::to_writer(&mut out, &Wire::from(record))
            .map_err(|_| Error::new(ErrorKind::Unsupported, "encode"))?;
        Ok(out.finish())
    }

    fn decode(&self, bytes: &[u8]) -> Result<Record> {
        // The decoder's error quotes what it read, so it is dropped.
        let wire: Wire<'_> = serde_json::from_slice(bytes).map_err(|_| Error::corrupt("decode"))?;
        Record::try_from(wire)
    }
}

#[cfg(test)]
keyward_testkit::serializer_suite!(Json, |_| keyward_plugin::Values::new());
