use keyward_core::{MAX_RECORD, Record, Result, Secret, Serializer};
use keyward_plugin::abi::{Instance, SerializerMethods, Slice};
use keyward_plugin::cbor;

use super::Answer;
use super::handle::{Handle, Methods, function};

impl Methods for SerializerMethods {
    type Role = dyn Serializer;

    fn implement_role(handle: Handle<Self>) -> Result<Box<Self::Role>> {
        Ok(Box::new(handle))
    }

    fn close(&self) -> Option<unsafe extern "C" fn(*mut Instance)> {
        self.close
    }

    fn are_whole(&self) -> bool {
        self.encode.is_some() && self.decode.is_some()
    }
}

impl Serializer for Handle<SerializerMethods> {
    fn encode(&self, record: &Record) -> Result<Secret> {
        let record = cbor::encode_record(record)?;
        let record = Slice::new(record.expose());
        let mut encoded = Answer::up_to(MAX_RECORD);
        self.call("encode", |instance, failure| {
            function!(self.methods(), encode(instance, record, encoded.buffer(), failure))
        })?;
        encoded.take()
    }

    fn decode(&self, bytes: &[u8]) -> Result<Record> {
        let mut record = Answer::up_to(MAX_RECORD);
        self.call("decode", |instance, failure| {
            function!(self.methods(), decode(instance, Slice::new(bytes), record.buffer(), failure))
        })?;
        cbor::decode_record(record.take()?.expose())
    }
}
