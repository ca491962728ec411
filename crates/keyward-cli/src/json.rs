//! JSON that contains secrets. All memory that contains one is wiped.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward_core::{Error, Secret, SecretWriter, Timestamp};
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::stop::Outcome;

/// The text of a value in JSON.
pub(crate) enum Text<'a> {
    Plain(&'a str),
    Encoded(Zeroizing<String>),
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Plain(text) => text,
            Self::Encoded(text) => text,
        })
    }
}

/// What the key of an encoded value ends with.
pub(crate) const ENCODED: &str = "_base64";

/// Returns the key and the text of a value. One that is not UTF-8 is encoded, and its key says so. One
/// whose key would say so anyway is encoded too.
pub(crate) fn entry<'a>(key: &'a str, value: &'a Secret) -> (Cow<'a, str>, Text<'a>) {
    match value.expose_str() {
        Some(text) if !key.ends_with(ENCODED) => (key.into(), Text::Plain(text)),
        _ => {
            let encoded = Zeroizing::new(STANDARD.encode(value.expose()));
            (format!("{key}{ENCODED}").into(), Text::Encoded(encoded))
        }
    }
}

/// Writes an object as JSON.
pub(crate) fn write_secret(object: &impl Serialize) -> Outcome<Secret> {
    let mut written = SecretWriter::new();
    serde_json::to_writer(&mut written, object)
        .map_err(|error| Error::io("encode", error.into()))?;
    Ok(written.finish())
}

/// Writes an object as JSON, one member to a line.
pub(crate) fn write_pretty(object: &impl Serialize) -> Outcome<Secret> {
    let mut written = SecretWriter::new();
    serde_json::to_writer_pretty(&mut written, object)
        .map_err(|error| Error::io("encode", error.into()))?;
    Ok(written.finish())
}

/// Returns a time as RFC 3339 writes it; `None` for the start of 1970, which means that the time is
/// not known.
pub(crate) fn rfc3339(time: Timestamp) -> Option<String> {
    let seconds = i64::try_from(time.as_unix()).ok().filter(|seconds| *seconds != 0)?;
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}
