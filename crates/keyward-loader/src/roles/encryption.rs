use keyward_core::{Context, Encryption, EncryptionAbilities, EntryId, KeyId, Result, Secret};
use keyward_wire::cbor::{Fields, Malformed, Map};
use keyward_wire::message::{Call, context, encryption, entry};

use super::{Messages, Served, answer, argument, not_valid, unknown};
use crate::process::instance::Instance;

impl Messages for dyn Encryption {
    const CALLS: &'static [&'static str] = &["current_key", "seal", "unseal"];

    type Abilities = EncryptionAbilities;

    fn read_abilities(answer: &Map<'_>) -> Result<EncryptionAbilities, Malformed> {
        encryption::read_abilities(answer)
    }

    fn call_child(instance: Instance, abilities: EncryptionAbilities) -> Box<Self> {
        Box::new(ChildEncryption { instance, abilities })
    }

    fn serve(backend: Box<Self>) -> Box<dyn Served> {
        Box::new(backend)
    }
}

/// An encryption in a child.
#[derive(Debug)]
struct ChildEncryption {
    instance: Instance,
    abilities: EncryptionAbilities,
}

impl Encryption for ChildEncryption {
    fn abilities(&self) -> EncryptionAbilities {
        self.abilities
    }

    fn current_key(&self, id: &EntryId) -> Result<Option<KeyId>> {
        self.instance.call(
            "current_key",
            |fields| entry::write(fields, id),
            encryption::read_key_id,
        )
    }

    fn seal(&self, plain: &Secret, context: &Context<'_>) -> Result<Vec<u8>> {
        self.instance.call(
            "seal",
            |fields| {
                fields.put("plain", plain.expose());
                context::write(fields, context);
            },
            |answer| answer.get::<&[u8]>("blob").map(<[u8]>::to_vec),
        )
    }

    fn unseal(&self, blob: &[u8], context: &Context<'_>) -> Result<Secret> {
        self.instance.call(
            "unseal",
            |fields| {
                fields.put("blob", blob);
                context::write(fields, context);
            },
            |answer| answer.get::<&[u8]>("plain").map(Secret::from),
        )
    }
}

impl Served for Box<dyn Encryption> {
    fn write_abilities(&self, fields: &mut Fields<'_>) {
        encryption::write_abilities(fields, self.abilities());
    }

    fn call(&self, call: &Call<'_>) -> Result<Secret> {
        let received = || context::Received::read(&call.arguments).map_err(not_valid);
        match call.name {
            "current_key" => {
                let id = self.current_key(&entry::read(&call.arguments).map_err(not_valid)?)?;
                answer(call, |fields| {
                    fields.put_some("key_id", id.as_ref().map(KeyId::as_bytes));
                })
            }
            "seal" => {
                let plain = Secret::from(argument::<&[u8]>(call, "plain")?);
                let blob = self.seal(&plain, &received()?.context())?;
                answer(call, |fields| {
                    fields.put("blob", &blob[..]);
                })
            }
            "unseal" => {
                let plain = self.unseal(argument(call, "blob")?, &received()?.context())?;
                answer(call, |fields| {
                    fields.put("plain", plain.expose());
                })
            }
            _ => Err(unknown()),
        }
    }
}
