//! The fields of encryptions.

use keyward_core::{EncryptionAbilities, KeyId, Keys};

use super::words::{meaning, word};
use crate::cbor::{Fields, Malformed, Map};

const KEYS: [(&str, Keys); 3] = [("none", Keys::None), ("store", Keys::Store), ("own", Keys::Own)];

/// Writes the abilities of an encryption.
pub fn write_abilities(fields: &mut Fields<'_>, abilities: EncryptionAbilities) {
    fields
        .put("binds_context", abilities.binds_context)
        .put("authenticates", abilities.authenticates)
        .put("keys", word(&KEYS, abilities.keys));
}

/// Reads the abilities of an encryption.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_abilities(fields: &Map<'_>) -> Result<EncryptionAbilities, Malformed> {
    Ok(EncryptionAbilities::new(meaning(&KEYS, fields, "keys")?)
        .binds_context(fields.get("binds_context")?)
        .authenticates(fields.get("authenticates")?))
}

/// Reads the field `key_id`, which need not be there.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_key_id(fields: &Map<'_>) -> Result<Option<KeyId>, Malformed> {
    let id = fields.find::<&[u8]>("key_id")?.map(KeyId::new).transpose();
    id.map_err(|_| Malformed("key_id"))
}
