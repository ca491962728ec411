//! Values that are one of a few words.

use keyward_core::Level;

use crate::cbor::{Malformed, Map};

/// How much what is logged matters.
pub(crate) const LEVELS: [(&str, Level); 3] =
    [("warning", Level::Warning), ("info", Level::Info), ("debug", Level::Debug)];

/// The word for one of a few meanings.
pub(crate) fn word<T: PartialEq + Copy>(words: &[(&'static str, T)], meaning: T) -> &'static str {
    words.iter().find(|(_, of)| *of == meaning).map_or("", |(word, _)| word)
}

/// What the word in a field means.
pub(crate) fn meaning<T: Copy>(
    words: &[(&'static str, T)],
    fields: &Map<'_>,
    name: &'static str,
) -> Result<T, Malformed> {
    let word: &str = fields.get(name)?;
    words.iter().find(|(of, _)| *of == word).map(|(_, meaning)| *meaning).ok_or(Malformed(name))
}
