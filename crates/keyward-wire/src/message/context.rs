//! The context of a seal.

use keyward_core::{Context, EntryId, KeyId, Secret, StoreId, StoreKey};

use super::entry;
use crate::cbor::{Fields, Malformed, Map};

/// Writes the fields of a context.
pub fn write(fields: &mut Fields<'_>, context: &Context<'_>) {
    entry::write(fields, context.entry);
    fields
        .put("store", &context.store.0[..])
        .put_some("key_id", context.key.map(|key| key.id.as_bytes()))
        .put_some("key", context.key.map(|key| key.key.expose()))
        .put("salt", &context.salt[..])
        .put("associated_data", context.associated_data)
        .put("binding", &context.binding[..]);
}

/// A context that came in a frame.
#[derive(Debug)]
pub struct Received<'a> {
    store: StoreId,
    entry: EntryId,
    key: Option<StoreKey>,
    salt: [u8; 32],
    associated_data: &'a [u8],
    binding: [u8; 32],
}

impl<'a> Received<'a> {
    /// Reads the fields of a context.
    ///
    /// # Errors
    /// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
    pub fn read(fields: &Map<'a>) -> Result<Self, Malformed> {
        let key = match (fields.find::<&[u8]>("key_id")?, fields.find::<&[u8]>("key")?) {
            (Some(id), Some(key)) => {
                let id = KeyId::new(id).map_err(|_| Malformed("key_id"))?;
                Some(StoreKey::new(id, Secret::from(key)))
            }
            (None, None) => None,
            _ => return Err(Malformed("key")),
        };
        Ok(Self {
            store: StoreId(array(fields, "store")?),
            entry: entry::read(fields)?,
            key,
            salt: array(fields, "salt")?,
            associated_data: fields.get("associated_data")?,
            binding: array(fields, "binding")?,
        })
    }

    /// The context itself.
    pub fn context(&self) -> Context<'_> {
        Context::new(self.store, &self.entry)
            .with_key(self.key.as_ref())
            .with_salt(&self.salt)
            .with_binding(self.associated_data, &self.binding)
    }
}

fn array<const N: usize>(fields: &Map<'_>, name: &'static str) -> Result<[u8; N], Malformed> {
    fields.get::<&[u8]>(name)?.try_into().map_err(|_| Malformed(name))
}
