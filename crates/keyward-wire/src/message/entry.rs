//! Entries: `user` and `name`, of which the second may be empty.

use keyward_core::EntryId;

use crate::cbor::{Fields, Malformed, Map};

/// Writes the fields of an entry.
pub fn write(fields: &mut Fields<'_>, id: &EntryId) {
    fields.put("user", id.user()).put("name", id.name_or_empty());
}

/// Reads the fields of an entry.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read(fields: &Map<'_>) -> Result<EntryId, Malformed> {
    let (user, name) = (fields.get("user")?, fields.get("name")?);
    EntryId::restore(user, name).map_err(|_| Malformed("name"))
}
