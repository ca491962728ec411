use keyward_core::{Authenticator, Event, Record, RequestHead, Result, Secret, State, Step};
use keyward_plugin::cbor::{decode_record, encode_record};
use keyward_wire::cbor::{Malformed, Map, Raw};
use keyward_wire::message::Call;
use keyward_wire::message::authenticator::{
    Received, check_answer, check_call, read_answer, write_answer, write_call,
};

use super::{Messages, Served, answer, not_valid, unknown};
use crate::process::instance::{Instance, nothing};

impl Messages for dyn Authenticator {
    const CALLS: &'static [&'static str] = &["step"];

    type Abilities = ();

    fn read_abilities(answer: &Map<'_>) -> Result<(), Malformed> {
        nothing(answer)
    }

    fn call_child(instance: Instance, (): ()) -> Box<Self> {
        Box::new(ChildAuthenticator(instance))
    }

    fn serve(backend: Box<Self>) -> Box<dyn Served> {
        Box::new(backend)
    }
}

/// An authenticator in a child.
#[derive(Debug)]
struct ChildAuthenticator(Instance);

impl Authenticator for ChildAuthenticator {
    fn step(
        &self,
        request: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        state: &mut State,
    ) -> Result<Step> {
        check_call(request, event, state)?;
        let record = record.map(encode_record).transpose()?;
        let (step, learned) = self.0.call(
            "step",
            |fields| {
                write_call(fields, request, event, state);
                fields.put_some("record", record.as_ref().map(|record| Raw(record.expose())));
            },
            read_answer,
        )?;
        *state = learned;
        Ok(step)
    }
}

impl Served for Box<dyn Authenticator> {
    fn call(&self, call: &Call<'_>) -> Result<Secret> {
        if call.name != "step" {
            return Err(unknown());
        }
        let record = call.arguments.find::<Raw<'_>>("record").map_err(not_valid)?;
        let record = record.map(|record| decode_record(record.0)).transpose()?;
        let mut received = Received::read(&call.arguments).map_err(not_valid)?;
        let mut state = std::mem::take(&mut received.state);
        let step = self.step(&received.request, record.as_ref(), &received.event(), &mut state)?;
        check_answer(&step, &state)?;
        answer(call, |fields| write_answer(fields, &step, &state))
    }
}
