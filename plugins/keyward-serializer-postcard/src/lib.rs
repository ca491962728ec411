//! Serializer `postcard`: compact, not self-describing, with a documented and stable format.

use std::sync::Arc;

use keyward_plugin::wire::Wire;
use keyward_plugin::{
    Backend, Error, ErrorKind, Host, Info, MAX_RECORD, NoOptions, Record, Result, Secret,
    SecretWriter, Serializer,
};

keyward_plugin::register!(serializer: Postcard);

/// The serializer `postcard`.
#[derive(Clone, Copy, Debug)]
pub struct Postcard;

impl Backend for Postcard {
    const INFO: Info = Info::new("postcard", "postcard: compact, with a stable format");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Serializer for Postcard {
    fn encode(&self, record: &Record) -> Result<Secret> {
        postcard::to_io(&Wire::from(record), SecretWriter::limited(MAX_RECORD))
            .map(SecretWriter::finish)
            .map_err(|_| Error::new(ErrorKind::Unsupported, "encode"))
    }

    fn decode(&self, bytes: &[u8]) -> Result<Record> {
        if bytes.len() > MAX_RECORD {
            return Err(Error::corrupt("decode"));
        }
        // postcard compares a length with the remaining bytes before it allocates memory.
        match postcard::take_from_bytes::<Wire<'_>>(bytes) {
            Ok((wire, [])) => Record::try_from(wire),
            _ => Err(Error::corrupt("decode")),
        }
    }
}

#[cfg(test)]
keyward_testkit::serializer_suite!(Postcard, |_| keyward_plugin::Values::new());
