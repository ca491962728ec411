//! Serializer `bincode`: the standard configuration of bincode 2, compact and not
//! self-describing.
//!
//! bincode is no longer maintained. Version 2.0.1 is pinned, so the format will not change. For new
//! stores use `postcard`, a similar format that is maintained.

use std::sync::Arc;

use bincode::config::{self, Config};
use keyward_plugin::wire::Wire;
use keyward_plugin::{
    Backend, Error, ErrorKind, Host, Info, MAX_RECORD, NoOptions, Record, Result, Secret,
    SecretWriter, Serializer,
};

keyward_plugin::register!(serializer: Bincode);

/// The serializer `bincode`.
#[derive(Clone, Copy, Debug)]
pub struct Bincode;

impl Backend for Bincode {
    const INFO: Info = Info::new("bincode", "bincode 2: compact, but no longer maintained");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Serializer for Bincode {
    fn encode(&self, record: &Record) -> Result<Secret> {
        let mut out = SecretWriter::limited(MAX_RECORD);
        bincode::serde::encode_into_std_write(Wire::from(record), &mut out, format())
            .map_err(|_| Error::new(ErrorKind::Unsupported, "encode"))?;
        Ok(out.finish())
    }

    fn decode(&self, bytes: &[u8]) -> Result<Record> {
        if bytes.len() > MAX_RECORD {
            return Err(Error::corrupt("decode"));
        }
        // The decoder's error quotes what it read, so it is dropped.
        let decoded = bincode::serde::borrow_decode_from_slice::<Wire<'_>, _>(bytes, format());
        match decoded {
            Ok((wire, used)) if used == bytes.len() => Record::try_from(wire),
            _ => Err(Error::corrupt("decode")),
        }
    }
}

/// Without a limit, a length of 1 TiB in a blob of 9 bytes ends the process. The limit counts every
/// number as eight bytes, even if it is encoded shorter, so the largest record needs more than its
/// size.
fn format() -> impl Config {
    config::standard().with_limit::<{ 2 * MAX_RECORD }>()
}

#[cfg(test)]
keyward_testkit::serializer_suite!(Bincode, |_| keyward_plugin::Values::new());
