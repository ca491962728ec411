//! Values that are one word of a fixed list.

use keyward_core::Level;

use crate::cbor::{Malformed, Map};

/// The levels of log messages.
pub const LEVELS: [(&str, Level); 3] =
    [("warning", Level::Warning), ("info", Level::Info), ("debug", Level::Debug)];

/// Returns the word for a value.
pub fn word<T: PartialEq + Copy>(words: &[(&'static str, T)], meaning: T) -> &'static str {
    words.iter().find(|(_, of)| *of == meaning).map_or("", |(word, _)| word)
}

/// The meaning of the word in a field.
///
/// # Errors
/// [`Malformed`] if it is missing or another word.
pub fn meaning<T: Copy>(
    words: &[(&'static str, T)],
    fields: &Map<'_>,
    name: &'static str,
) -> Result<T, Malformed> {
    let word: &str = fields.get(name)?;
    words.iter().find(|(of, _)| *of == word).map(|(_, meaning)| *meaning).ok_or(Malformed(name))
}
