use keyward_core::{Factory, MAX_RECORD, Record, Result, Secret, Serializer};
use keyward_plugin::abi::{Buffer, Instance, SerializerMethods, Slice};
use keyward_plugin::cbor;

use super::handle::{Handle, Methods, Opener, function};
use super::{forever, taken};

impl Methods for SerializerMethods {
    fn close(&self) -> Option<unsafe extern "C" fn(*mut Instance)> {
        self.close
    }

    fn are_whole(&self) -> bool {
        self.encode.is_some() && self.decode.is_some()
    }
}

pub(super) fn factory(name: &'static str, opener: Opener<SerializerMethods>) -> Factory {
    Factory::Serializer(forever::<dyn Serializer>(move |values, host| {
        Ok(Box::new(opener.open(name, values, host)?))
    }))
}

impl Serializer for Handle<SerializerMethods> {
    fn encode(&self, record: &Record) -> Result<Secret> {
        let record = cbor::encode_record(record)?;
        let record = Slice::of(record.expose());
        let mut encoded = Buffer::NULL;
        self.call("encode", |instance, failure| {
            function!(self.methods(), encode(instance, record, &mut encoded, failure))
        })?;
        taken(encoded, MAX_RECORD)
    }

    fn decode(&self, bytes: &[u8]) -> Result<Record> {
        let mut record = Buffer::NULL;
        self.call("decode", |instance, failure| {
            function!(self.methods(), decode(instance, Slice::of(bytes), &mut record, failure))
        })?;
        cbor::decode_record(taken(record, MAX_RECORD)?.expose())
    }
}
