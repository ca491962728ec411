//! A record as JSON. All memory that contains a secret is wiped.

use std::borrow::Cow;
use std::collections::BTreeMap;

use keyward_core::{EntryId, Record, Secret};
use keyward_kinds::Kinds;
use serde::Serialize;

use crate::json::{Text, entry, rfc3339, write_pretty, write_secret};
use crate::stop::Outcome;

/// Writes an object with these values, under these keys.
pub(super) fn with_values(
    id: &EntryId,
    record: &Record,
    values: &[(&'static str, &Secret)],
) -> Outcome<Secret> {
    let values: BTreeMap<_, _> = values.iter().map(|(key, value)| entry(key, value)).collect();
    let kind = record.kind.as_str();
    write_secret(&Values { user: id.user(), name: id.name(), kind, values })
}

/// Writes an object with the fields of a record, the secret ones only on request, and the facts about
/// it.
pub(super) fn with_fields(
    id: &EntryId,
    record: &Record,
    kinds: &Kinds,
    reveal: bool,
) -> Outcome<Secret> {
    write_secret(&whole(id, record, kinds, reveal))
}

/// Writes the same object with all fields, for a person to edit.
pub(in crate::commands) fn pretty(id: &EntryId, record: &Record, kinds: &Kinds) -> Outcome<Secret> {
    write_pretty(&whole(id, record, kinds, true))
}

fn whole<'a>(id: &'a EntryId, record: &'a Record, kinds: &Kinds, reveal: bool) -> Whole<'a> {
    let shown = |name: &String| reveal || !kinds.is_secret(record, name);
    let fields = record.fields.iter().filter(|(name, _)| shown(name));
    Whole {
        user: id.user(),
        name: id.name(),
        kind: &record.kind,
        fields: fields.map(|(name, field)| entry(name, &field.value)).collect(),
        secret: record.fields.keys().filter(|name| kinds.is_secret(record, name)).collect(),
        labels: &record.labels,
        created: rfc3339(record.created),
        updated: rfc3339(record.updated),
        expires: record.expires.and_then(rfc3339),
        used: record.used.and_then(rfc3339),
    }
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
    secret: Vec<&'a String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<String>,
}
