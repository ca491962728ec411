//! Secrets: `secret`, and `expires` if the secret expires.

use keyward_core::{Loaded, Secret, Timestamp};

use crate::cbor::{Fields, Malformed, Map};

/// Writes the fields of a secret.
pub fn write(fields: &mut Fields<'_>, loaded: &Loaded) {
    fields
        .put("secret", loaded.secret.expose())
        .put_some("expires", loaded.expires.map(Timestamp::as_unix));
}

/// Reads the fields of a secret.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read(fields: &Map<'_>) -> Result<Loaded, Malformed> {
    let expires = fields.find("expires")?.map(Timestamp::from_unix);
    Ok(Loaded::new(fields.get::<&[u8]>("secret").map(Secret::from)?, expires))
}
