use keyward_core::{Record, Result, Secret, Serializer};
use keyward_plugin::cbor::{decode_record, encode_record};
use keyward_wire::cbor::{Malformed, Map, Raw};
use keyward_wire::message::Call;

use super::{Messages, Served, answer, argument, unknown};
use crate::process::instance::{Instance, nothing};

impl Messages for dyn Serializer {
    const CALLS: &'static [&'static str] = &["encode", "decode"];

    type Abilities = ();

    fn read_abilities(answer: &Map<'_>) -> Result<(), Malformed> {
        nothing(answer)
    }

    fn call_child(instance: Instance, (): ()) -> Box<Self> {
        Box::new(ChildSerializer(instance))
    }

    fn serve(backend: Box<Self>) -> Box<dyn Served> {
        Box::new(backend)
    }
}

/// A serializer in a child.
#[derive(Debug)]
struct ChildSerializer(Instance);

impl Serializer for ChildSerializer {
    fn encode(&self, record: &Record) -> Result<Secret> {
        let record = encode_record(record)?;
        self.0.call(
            "encode",
            |fields| {
                fields.put("record", Raw(record.expose()));
            },
            |answer| answer.get::<&[u8]>("bytes").map(Secret::from),
        )
    }

    fn decode(&self, bytes: &[u8]) -> Result<Record> {
        self.0.call(
            "decode",
            |fields| {
                fields.put("bytes", bytes);
            },
            |answer| {
                decode_record(answer.get::<Raw<'_>>("record")?.0).map_err(|_| Malformed("record"))
            },
        )
    }
}

impl Served for Box<dyn Serializer> {
    fn call(&self, call: &Call<'_>) -> Result<Secret> {
        match call.name {
            "encode" => {
                let bytes = self.encode(&decode_record(argument::<Raw<'_>>(call, "record")?.0)?)?;
                answer(call, |fields| {
                    fields.put("bytes", bytes.expose());
                })
            }
            "decode" => {
                let record = encode_record(&self.decode(argument(call, "bytes")?)?)?;
                answer(call, |fields| {
                    fields.put("record", Raw(record.expose()));
                })
            }
            _ => Err(unknown()),
        }
    }
}
