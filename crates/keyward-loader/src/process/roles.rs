//! Serializers, encryptions and key sources in separate processes.

use std::sync::Arc;

use keyward_core::{
    Context, Created, Encryption, EncryptionAbilities, EntryId, Factory, Host, Key, KeyId, Open,
    Record, Result, Role, Secret, Serializer, Values,
};

use keyward_plugin::cbor::{decode_record, encode_record};

use super::instance::{Instance, nothing};
use super::running::Opener;
use super::storage::RunStorage;
use keyward_wire::cbor::{Malformed, Raw};
use keyward_wire::message::{context, encryption, entry};

/// Returns the function that opens this backend in its role.
pub(super) fn factory(opener: &'static Opener) -> Factory {
    match opener.role() {
        Role::Serializer => Factory::Serializer(leak(move |values, host| {
            Ok(Box::new(RunSerializer(opener.open(values, host, nothing)?.0)) as _)
        })),
        Role::Encryption => Factory::Encryption(leak(move |values, host| {
            let (instance, abilities) = opener.open(values, host, encryption::read_abilities)?;
            Ok(Box::new(RunEncryption { instance, abilities }) as _)
        })),
        Role::Key => Factory::Key(leak(move |values, host| {
            Ok(Box::new(RunKey(opener.open(values, host, nothing)?.0)) as _)
        })),
        Role::Storage => Factory::Storage(leak(move |values, host| {
            Ok(Box::new(RunStorage::open(opener, values, host)?) as _)
        })),
    }
}

/// Returns a function that lives as long as the process, as registrations do.
fn leak<T: ?Sized>(
    open: impl Fn(&Values, &Arc<dyn Host>) -> Result<Box<T>> + Send + Sync + 'static,
) -> Open<T> {
    Box::leak(Box::new(open))
}

#[derive(Debug)]
struct RunSerializer(Instance);

impl Serializer for RunSerializer {
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

#[derive(Debug)]
struct RunEncryption {
    instance: Instance,
    abilities: EncryptionAbilities,
}

impl Encryption for RunEncryption {
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

#[derive(Debug)]
struct RunKey(Instance);

impl Key for RunKey {
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
