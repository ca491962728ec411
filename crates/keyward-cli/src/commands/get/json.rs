//! A record as JSON. All memory that contains a secret is wiped.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward_core::{EntryId, Error, Record, Secret, SecretWriter, Timestamp};
use keyward_kinds::Kinds;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::stop::Outcome;

/// Writes an object with these values, under these keys.
pub(super) fn with_values(
    id: &EntryId,
    record: &Record,
    values: &[(&'static str, &Secret)],
) -> Outcome<Secret> {
    let values: BTreeMap<_, _> = values.iter().map(|(key, value)| entry(key, value)).collect();
    let kind = record.kind.as_str();
    written(&Values { user: id.user(), name: id.name(), kind, values })
}

/// Writes an object with the fields of a record, the secret ones only on request, and the facts about
/// it.
pub(super) fn with_fields(
    id: &EntryId,
    record: &Record,
    kinds: &Kinds,
    reveal: bool,
) -> Outcome<Secret> {
    let shown = |name: &String| reveal || !kinds.is_secret(record, name);
    let fields = record.fields.iter().filter(|(name, _)| shown(name));
    written(&Whole {
        user: id.user(),
        name: id.name(),
        kind: &record.kind,
        fields: fields.map(|(name, field)| entry(name, &field.value)).collect(),
        labels: &record.labels,
        created: time(record.created),
        updated: time(record.updated),
        expires: record.expires.and_then(time),
    })
}

/// An entry with the values that were requested.
#[derive(Serialize)]
struct Values<'a> {
    user: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    kind: &'a str,
    #[serde(flatten)]
    values: BTreeMap<Cow<'a, str>, Text<'a>>,
}

/// A whole record.
#[derive(Serialize)]
struct Whole<'a> {
    user: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    kind: &'a str,
    fields: BTreeMap<Cow<'a, str>, Text<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

/// The text of a value.
enum Text<'a> {
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

/// Returns the key and the text of a value. One that is not UTF-8 is encoded, and its key says so.
fn entry<'a>(key: &'a str, value: &'a Secret) -> (Cow<'a, str>, Text<'a>) {
    match value.expose_str() {
        Some(text) => (key.into(), Text::Plain(text)),
        None => {
            let encoded = Zeroizing::new(STANDARD.encode(value.expose()));
            (format!("{key}_base64").into(), Text::Encoded(encoded))
        }
    }
}

fn written(object: &impl Serialize) -> Outcome<Secret> {
    let mut written = SecretWriter::new();
    serde_json::to_writer(&mut written, object)
        .map_err(|error| Error::io("encode", error.into()))?;
    Ok(written.finish())
}

/// A time as RFC 3339 writes it; `None` for the start of 1970, which means that the time is not known.
fn time(time: Timestamp) -> Option<String> {
    let seconds = i64::try_from(time.as_unix()).ok().filter(|seconds| *seconds != 0)?;
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}
