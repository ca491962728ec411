//! The calls of a child to a store of its host.

use keyward_core::EntryId;

use super::entry;
use crate::cbor::{Fields, Malformed, Map, Raw};

/// Writes the fields that name an entry of a store.
pub fn write_entry(fields: &mut Fields<'_>, store: &str, id: &EntryId) {
    fields.put("store", store);
    entry::write(fields, id);
}

/// Writes the records of `source_swap`, each in the form of a serializer's call.
pub fn write_swap(fields: &mut Fields<'_>, expected: Option<&[u8]>, new: Option<&[u8]>) {
    fields.put_some("expected", expected.map(Raw)).put_some("record", new.map(Raw));
}

/// Reads the records of `source_swap`.
///
/// # Errors
/// [`Malformed`] if a field has a value that the protocol does not allow.
#[expect(clippy::type_complexity, reason = "the expected record and the new one")]
pub fn read_swap<'a>(fields: &Map<'a>) -> Result<(Option<&'a [u8]>, Option<&'a [u8]>), Malformed> {
    let record = |name| Ok(fields.find::<Raw<'a>>(name)?.map(|raw| raw.0));
    Ok((record("expected")?, record("record")?))
}
