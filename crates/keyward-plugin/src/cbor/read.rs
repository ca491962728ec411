//! Reading a record, part by part: the keys of a map in any order, each of them once, and no other.

use std::collections::BTreeMap;

use keyward_core::{
    Derivation, EntryId, Field, Form, MAX_ITEMS, Origin, Record, Revision, Secret, Timestamp,
};
use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

type Read<T> = Result<T, Error>;

pub(super) fn record(from: &mut Decoder<'_>) -> Read<Record> {
    let mut v1 = None;
    keys(from, |from, key| match key {
        "V1" => once(&mut v1, record_v1(from)?),
        _ => unknown(),
    })?;
    there(v1)
}

fn record_v1(from: &mut Decoder<'_>) -> Read<Record> {
    let (mut kind, mut fields, mut origins, mut created) = (None, None, None, None);
    let (mut updated, mut expires, mut labels, mut derived_from) = (None, None, None, None);
    keys(from, |from, key| match key {
        "kind" => once(&mut kind, text(from)?),
        "fields" => once(&mut fields, map(from, field)?),
        "origins" => once(&mut origins, list(from, origin)?),
        "created" => once(&mut created, time(from)?),
        "updated" => once(&mut updated, time(from)?),
        "expires" => once(&mut expires, maybe(from, time)?),
        "labels" => once(&mut labels, map(from, text)?),
        "derived_from" => once(&mut derived_from, maybe(from, derivation)?),
        _ => unknown(),
    })?;
    Ok(Record {
        kind: there(kind)?,
        fields: there(fields)?,
        origins: there(origins)?,
        created: there(created)?,
        updated: there(updated)?,
        expires: there(expires)?,
        labels: there(labels)?,
        derived_from: there(derived_from)?,
    })
}

fn field(from: &mut Decoder<'_>) -> Read<Field> {
    let (mut secret, mut expires, mut valued) = (None, None, None);
    keys(from, |from, key| match key {
        "secret" => once(&mut secret, from.bool()?),
        "expires" => once(&mut expires, maybe(from, time)?),
        "value" => once(&mut valued, value(from)?),
        _ => unknown(),
    })?;
    let (form, value) = there(valued)?;
    Ok(Field { value, form, secret: there(secret)?, expires: there(expires)? })
}

fn value(from: &mut Decoder<'_>) -> Read<(Form, Secret)> {
    let mut value = None;
    keys(from, |from, key| match key {
        "text" => once(&mut value, (Form::Text, Secret::from(from.str()?))),
        "bytes" => once(&mut value, (Form::Bytes, Secret::from(from.bytes()?))),
        _ => unknown(),
    })?;
    there(value)
}

fn origin(from: &mut Decoder<'_>) -> Read<Origin> {
    let (mut scheme, mut host, mut port) = (None, None, None);
    keys(from, |from, key| match key {
        "scheme" => once(&mut scheme, text(from)?),
        "host" => once(&mut host, text(from)?),
        "port" => once(&mut port, from.u16()?),
        _ => unknown(),
    })?;
    Ok(Origin { scheme: there(scheme)?, host: there(host)?, port: there(port)? })
}

fn derivation(from: &mut Decoder<'_>) -> Read<Derivation> {
    let (mut user, mut name, mut revision) = (None, None, None);
    keys(from, |from, key| match key {
        "user" => once(&mut user, from.str()?),
        "name" => once(&mut name, from.str()?),
        "revision" => once(&mut revision, from.bytes()?),
        _ => unknown(),
    })?;
    let entry = EntryId::restore(there(user)?, there(name)?);
    let revision = Revision::new(there(revision)?);
    match (entry, revision) {
        (Ok(entry), Ok(revision)) => Ok(Derivation { entry, revision }),
        _ => Err(Error::message("no entry's revision")),
    }
}

fn text(from: &mut Decoder<'_>) -> Read<String> {
    from.str().map(str::to_owned)
}

fn time(from: &mut Decoder<'_>) -> Read<Timestamp> {
    from.u64().map(Timestamp::from_unix)
}

/// A map with any keys.
fn map<V>(
    from: &mut Decoder<'_>,
    value: impl Fn(&mut Decoder<'_>) -> Read<V>,
) -> Read<BTreeMap<String, V>> {
    let mut map = BTreeMap::new();
    keys(from, |from, key| match map.insert(key.to_owned(), value(from)?) {
        None => Ok(()),
        Some(_) => twice(),
    })?;
    Ok(map)
}

fn list<T>(from: &mut Decoder<'_>, item: impl Fn(&mut Decoder<'_>) -> Read<T>) -> Read<Vec<T>> {
    let items = few(from.array()?)?;
    (0..items).map(|_| item(from)).collect()
}

/// What there is, or `null`.
fn maybe<T>(
    from: &mut Decoder<'_>,
    item: impl FnOnce(&mut Decoder<'_>) -> Read<T>,
) -> Read<Option<T>> {
    if from.datatype()? == Type::Null {
        from.null()?;
        return Ok(None);
    }
    item(from).map(Some)
}

/// Reads each key of a map, and lets its item be read.
fn keys<'a>(
    from: &mut Decoder<'a>,
    mut item: impl FnMut(&mut Decoder<'a>, &'a str) -> Read<()>,
) -> Read<()> {
    for _ in 0..few(from.map()?)? {
        let key = from.str()?;
        item(from, key)?;
    }
    Ok(())
}

fn once<T>(place: &mut Option<T>, item: T) -> Read<()> {
    match place.replace(item) {
        None => Ok(()),
        Some(_) => twice(),
    }
}

fn there<T>(item: Option<T>) -> Read<T> {
    item.ok_or_else(|| Error::message("a key is missing"))
}

fn twice() -> Read<()> {
    Err(Error::message("a key comes twice"))
}

fn unknown() -> Read<()> {
    Err(Error::message("an unknown key"))
}

/// How many items follow, if it is said and not too many.
fn few(items: Option<u64>) -> Read<u64> {
    items
        .filter(|items| *items <= MAX_ITEMS as u64)
        .ok_or_else(|| Error::message("not a few items"))
}
