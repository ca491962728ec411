use keyward_core::{Created, Key, KeyId, Result, Secret};
use keyward_wire::cbor::{Malformed, Map};
use keyward_wire::message::{self, Call};

use super::{Messages, Served, answer, argument, unknown};
use crate::process::instance::{Instance, nothing};

impl Messages for dyn Key {
    const CALLS: &'static [&'static str] = &["create", "load", "delete"];

    type Abilities = ();

    fn read_abilities(answer: &Map<'_>) -> Result<(), Malformed> {
        nothing(answer)
    }

    fn call_child(instance: Instance, (): ()) -> Box<Self> {
        Box::new(ChildKey(instance))
    }

    fn serve(backend: Box<Self>) -> Box<dyn Served> {
        Box::new(backend)
    }
}

/// A key source in a child.
#[derive(Debug)]
struct ChildKey(Instance);

impl Key for ChildKey {
    fn create(&self, id: &KeyId) -> Result<Created> {
        self.0.call(
            "create",
            |fields| {
                fields.put("id", id.as_bytes());
            },
            |answer| {
                Ok(Created {
                    key: answer.get::<&[u8]>("secret").map(Secret::from)?,
                    parameters: answer.get::<&[u8]>("parameters")?.to_vec(),
                    made: answer.get("made")?,
                })
            },
        )
    }

    fn load(&self, id: &KeyId, parameters: &[u8]) -> Result<Secret> {
        self.0.call(
            "load",
            |fields| {
                fields.put("id", id.as_bytes()).put("parameters", parameters);
            },
            |answer| answer.get::<&[u8]>("secret").map(Secret::from),
        )
    }

    fn delete(&self, id: &KeyId, parameters: &[u8]) -> Result<()> {
        self.0.call(
            "delete",
            |fields| {
                fields.put("id", id.as_bytes()).put("parameters", parameters);
            },
            nothing,
        )
    }
}

impl Served for Box<dyn Key> {
    fn call(&self, call: &Call<'_>) -> Result<Secret> {
        let id = || KeyId::new(argument(call, "id")?);
        match call.name {
            "create" => {
                let created = self.create(&id()?)?;
                answer(call, |fields| {
                    fields.put("secret", created.key.expose());
                    fields.put("parameters", &created.parameters[..]).put("made", created.made);
                })
            }
            "load" => {
                let secret = self.load(&id()?, argument(call, "parameters")?)?;
                answer(call, |fields| {
                    fields.put("secret", secret.expose());
                })
            }
            "delete" => {
                self.delete(&id()?, argument(call, "parameters")?)?;
                answer(call, message::nothing)
            }
            _ => Err(unknown()),
        }
    }
}
