//! Lists of names and values, and bytes with a limit.

use keyward_core::Secret;

use crate::cbor::{Item, Malformed, Map, Raw};

/// The most pairs of a name and a value in one list.
pub const MAX_PAIRS: usize = 1024;

/// The most bytes of their names and values together.
pub const MAX_PAIRS_BYTES: usize = 1 << 20;

/// Whether a list is within the limits.
pub(super) fn are_few<'a>(listed: impl Iterator<Item = (&'a str, &'a [u8])>) -> bool {
    let (mut count, mut bytes) = (0, 0_usize);
    for (name, value) in listed {
        count += 1;
        bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
    }
    count <= MAX_PAIRS && bytes <= MAX_PAIRS_BYTES
}

/// Reads a list of names and values, which may be missing.
pub(super) fn read_pairs(
    fields: &Map<'_>,
    key: &'static str,
) -> Result<Vec<(String, Secret)>, Malformed> {
    let listed: Vec<Raw<'_>> = fields.find(key)?.unwrap_or_default();
    let read = |item: &Raw<'_>| match Vec::<Raw<'_>>::read(item.0).as_deref() {
        Some([name, value]) => {
            let (name, value) = (<&str>::read(name.0)?, <&[u8]>::read(value.0)?);
            Some((name.to_owned(), Secret::from(value)))
        }
        _ => None,
    };
    if listed.len() > MAX_PAIRS
        || listed.iter().map(|item| item.0.len()).sum::<usize>() > MAX_PAIRS_BYTES + 16 * MAX_PAIRS
    {
        return Err(Malformed(key));
    }
    let pairs: Vec<_> = listed.iter().map(read).collect::<Option<_>>().ok_or(Malformed(key))?;
    let texts = pairs.iter().map(|(name, value)| (name.as_str(), value.expose()));
    if are_few(texts) { Ok(pairs) } else { Err(Malformed(key)) }
}

/// Reads bytes; those that are missing are empty.
pub(super) fn limited<'a>(
    fields: &Map<'a>,
    name: &'static str,
    most: usize,
) -> Result<&'a [u8], Malformed> {
    let bytes = fields.find::<&[u8]>(name)?.unwrap_or_default();
    if bytes.len() <= most { Ok(bytes) } else { Err(Malformed(name)) }
}

/// Reads a secret; one that is missing is empty.
pub(super) fn secret(
    fields: &Map<'_>,
    name: &'static str,
    most: usize,
) -> Result<Secret, Malformed> {
    limited(fields, name, most).map(Secret::from)
}
