//! Serializer `sample`: JSON with a line for each field, so that two versions can be compared.
//!
//! You can replace JSON by any other format that serde supports.

use std::sync::Arc;

use keyward_plugin::wire::Wire;
use keyward_plugin::{
    Backend, Error, ErrorKind, Host, Info, MAX_RECORD, NoOptions, Record, Result, Secret,
    SecretWriter, Serializer,
};

keyward_plugin::register!(serializer: SampleSerializer);

/// The serializer `sample`.
#[derive(Clone, Copy, Debug)]
pub struct SampleSerializer;

impl Backend for SampleSerializer {
    const INFO: Info = Info::new("sample", "JSON with a line for each field");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Serializer for SampleSerializer {
    fn encode(&self, record: &Record) -> Result<Secret> {
        let mut out = SecretWriter::limited(MAX_RECORD);
        serde_json::to_writer_pretty(&mut out, &Wire::from(record))
            .map_err(|_| Error::new(ErrorKind::Unsupported, "encode"))?;
        Ok(out.finish())
    }

    fn decode(&self, bytes: &[u8]) -> Result<Record> {
        // The decoder's own error quotes its input, so it is not passed on.
        let wire: Wire<'_> = serde_json::from_slice(bytes).map_err(|_| Error::corrupt("decode"))?;
        Record::try_from(wire)
    }
}

#[cfg(test)]
keyward_testkit::serializer_suite!(SampleSerializer, |_| Values::new());
