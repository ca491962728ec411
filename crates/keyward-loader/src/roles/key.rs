use keyward_core::{Created, Key, KeyId, Loaded, Ownership, Result, Secret};
use keyward_wire::cbor::{Malformed, Map};
use keyward_wire::message::words::{meaning, word};
use keyward_wire::message::{self, Call, secret};

use super::{Messages, Served, answer, argument, unknown};
use crate::process::instance::{Instance, nothing};

impl Messages for dyn Key {
    const CALLS: &'static [&'static str] = &["create", "load", "delete", "rewrap"];

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

const OWNERSHIP: [(&str, Ownership); 3] =
    [("supplied", Ownership::Supplied), ("made", Ownership::Made), ("kept", Ownership::Kept)];

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
                let key = answer.get::<&[u8]>("secret").map(Secret::from)?;
                let parameters = answer.get::<&[u8]>("parameters")?.to_vec();
                Ok(match meaning(&OWNERSHIP, answer, "ownership")? {
                    Ownership::Made => Created::made(key, parameters),
                    Ownership::Kept => Created::kept(key, parameters),
                    _ => Created::supplied(key, parameters),
                })
            },
        )
    }

    fn load(&self, id: &KeyId, parameters: &[u8]) -> Result<Loaded> {
        self.0.call(
            "load",
            |fields| {
                fields.put("id", id.as_bytes()).put("parameters", parameters);
            },
            secret::read,
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

    fn rewrap(&self, id: &KeyId, parameters: &[u8]) -> Result<Vec<u8>> {
        self.0.call(
            "rewrap",
            |fields| {
                fields.put("id", id.as_bytes()).put("parameters", parameters);
            },
            |answer| answer.get::<&[u8]>("parameters").map(<[u8]>::to_vec),
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
                    fields.put("parameters", &created.parameters[..]);
                    fields.put("ownership", word(&OWNERSHIP, created.ownership));
                })
            }
            "load" => {
                let loaded = self.load(&id()?, argument(call, "parameters")?)?;
                answer(call, |fields| secret::write(fields, &loaded))
            }
            "delete" => {
                self.delete(&id()?, argument(call, "parameters")?)?;
                answer(call, message::nothing)
            }
            "rewrap" => {
                let parameters = self.rewrap(&id()?, argument(call, "parameters")?)?;
                answer(call, |fields| {
                    fields.put("parameters", &parameters[..]);
                })
            }
            _ => Err(unknown()),
        }
    }
}
