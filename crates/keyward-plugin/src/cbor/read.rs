//! Decodes a record, part by part. The keys of a map may have any order; each must occur once, and
//! no other may occur.

use std::collections::BTreeMap;

use keyward_core::{
    Derivation, EntryId, Field, Form, MAX_ITEMS, Origin, Record, Revision, Secret, Timestamp,
};
use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

type Read<T> = Result<T, Error>;

pub(super) fn record(from: &mut Decoder<'_>) -> Read<Record> {
    let mut record = None;
    keys(from, |from, key| match key {
        "V1" => set_once(&mut record, content(from, Version::V1)?),
        "V2" => set_once(&mut record, content(from, Version::V2)?),
        _ => Err(unknown_key()),
    })?;
    required(record)
}

#[derive(PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

fn content(from: &mut Decoder<'_>, version: Version) -> Read<Record> {
    let (mut kind, mut fields, mut origins, mut created) = (None, None, None, None);
    let (mut updated, mut expires, mut labels, mut derived_from) = (None, None, None, None);
    let mut used = None;
    keys(from, |from, key| match key {
        "kind" => set_once(&mut kind, text(from)?),
        "fields" => set_once(&mut fields, map(from, field)?),
        "origins" => set_once(&mut origins, list(from, origin)?),
        "created" => set_once(&mut created, time(from)?),
        "updated" => set_once(&mut updated, time(from)?),
        "expires" => set_once(&mut expires, optional(from, time)?),
        "labels" => set_once(&mut labels, map(from, text)?),
        "derived_from" => set_once(&mut derived_from, optional(from, derivation)?),
        "used" if version == Version::V2 => set_once(&mut used, time(from)?),
        _ => Err(unknown_key()),
    })?;
    let mut record = Record::new(required(kind)?);
    record.fields = required(fields)?;
    record.origins = required(origins)?;
    record.created = required(created)?;
    record.updated = required(updated)?;
    record.expires = required(expires)?;
    record.labels = required(labels)?;
    record.derived_from = required(derived_from)?;
    if version == Version::V2 {
        record.used = Some(required(used)?);
    }
    Ok(record)
}

fn field(from: &mut Decoder<'_>) -> Read<Field> {
    let (mut secret, mut expires, mut valued) = (None, None, None);
    keys(from, |from, key| match key {
        "secret" => set_once(&mut secret, from.bool()?),
        "expires" => set_once(&mut expires, optional(from, time)?),
        "value" => set_once(&mut valued, value(from)?),
        _ => Err(unknown_key()),
    })?;
    let (form, value) = required(valued)?;
    let field = if required(secret)? { Field::secret(value) } else { Field::open(value) };
    Ok(field.with_form(form).with_expires(required(expires)?))
}

fn value(from: &mut Decoder<'_>) -> Read<(Form, Secret)> {
    let mut value = None;
    keys(from, |from, key| match key {
        "text" => set_once(&mut value, (Form::Text, Secret::from(from.str()?))),
        "bytes" => set_once(&mut value, (Form::Bytes, Secret::from(from.bytes()?))),
        _ => Err(unknown_key()),
    })?;
    required(value)
}

fn origin(from: &mut Decoder<'_>) -> Read<Origin> {
    let (mut scheme, mut host, mut port) = (None, None, None);
    keys(from, |from, key| match key {
        "scheme" => set_once(&mut scheme, text(from)?),
        "host" => set_once(&mut host, text(from)?),
        "port" => set_once(&mut port, from.u16()?),
        _ => Err(unknown_key()),
    })?;
    Ok(Origin { scheme: required(scheme)?, host: required(host)?, port: required(port)? })
}

fn derivation(from: &mut Decoder<'_>) -> Read<Derivation> {
    let (mut user, mut name, mut revision) = (None, None, None);
    keys(from, |from, key| match key {
        "user" => set_once(&mut user, from.str()?),
        "name" => set_once(&mut name, from.str()?),
        "revision" => set_once(&mut revision, from.bytes()?),
        _ => Err(unknown_key()),
    })?;
    let entry = EntryId::restore(required(user)?, required(name)?);
    let revision = Revision::new(required(revision)?);
    match (entry, revision) {
        (Ok(entry), Ok(revision)) => Ok(Derivation::new(entry, revision)),
        _ => Err(Error::message("no entry's revision")),
    }
}

fn text(from: &mut Decoder<'_>) -> Read<String> {
    from.str().map(str::to_owned)
}

fn time(from: &mut Decoder<'_>) -> Read<Timestamp> {
    from.u64().map(Timestamp::from_unix)
}

/// Reads a map with any keys.
fn map<V>(
    from: &mut Decoder<'_>,
    value: impl Fn(&mut Decoder<'_>) -> Read<V>,
) -> Read<BTreeMap<String, V>> {
    let mut map = BTreeMap::new();
    for _ in 0..limited(from.map()?)? {
        let key = text(from)?;
        if map.insert(key, value(from)?).is_some() {
            return Err(duplicate_key());
        }
    }
    Ok(map)
}

fn list<T>(from: &mut Decoder<'_>, item: impl Fn(&mut Decoder<'_>) -> Read<T>) -> Read<Vec<T>> {
    let items = limited(from.array()?)?;
    (0..items).map(|_| item(from)).collect()
}

/// Reads an item, or `null`.
fn optional<T>(
    from: &mut Decoder<'_>,
    item: impl FnOnce(&mut Decoder<'_>) -> Read<T>,
) -> Read<Option<T>> {
    if from.datatype()? == Type::Null {
        from.null()?;
        return Ok(None);
    }
    item(from).map(Some)
}

/// Reads each key of a map, and calls `item` to read its value.
fn keys<'a>(
    from: &mut Decoder<'a>,
    mut item: impl FnMut(&mut Decoder<'a>, &'a str) -> Read<()>,
) -> Read<()> {
    for _ in 0..limited(from.map()?)? {
        let key = from.str()?;
        item(from, key)?;
    }
    Ok(())
}

fn set_once<T>(place: &mut Option<T>, item: T) -> Read<()> {
    match place.replace(item) {
        None => Ok(()),
        Some(_) => Err(duplicate_key()),
    }
}

fn required<T>(item: Option<T>) -> Read<T> {
    item.ok_or_else(|| Error::message("a key is missing"))
}

fn duplicate_key() -> Error {
    Error::message("a key occurs twice")
}

fn unknown_key() -> Error {
    Error::message("an unknown key")
}

/// Returns the number of items that follow, if it is known and not too large.
fn limited(items: Option<u64>) -> Read<u64> {
    items
        .filter(|items| *items <= MAX_ITEMS as u64)
        .ok_or_else(|| Error::message("too many items, or an unknown number"))
}
