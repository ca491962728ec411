//! Decodes a record, part by part. The keys of a map may have any order; each must occur once, and
//! no other may occur.

use std::collections::BTreeMap;

use keyward_core::{
    Derivation, EntryId, Field, Form, MAX_ITEMS, Origin, Record, Revision, Secret, Timestamp,
};
use minicbor::Decoder;
use minicbor::decode::Error;

type Read<T> = Result<T, Error>;

/// The encoding of `null`.
const NULL: u8 = 0xf6;

pub(super) fn record(from: &mut Decoder<'_>) -> Read<Record> {
    let mut v1 = None;
    keys(from, |from, key| match key {
        b"V1" => once(&mut v1, record_v1(from)?),
        _ => Err(unknown()),
    })?;
    there(v1)
}

fn record_v1(from: &mut Decoder<'_>) -> Read<Record> {
    let (mut kind, mut fields, mut origins, mut created) = (None, None, None, None);
    let (mut updated, mut expires, mut labels, mut derived_from) = (None, None, None, None);
    keys(from, |from, key| match key {
        b"kind" => once(&mut kind, text(from)?),
        b"fields" => once(&mut fields, map(from, field)?),
        b"origins" => once(&mut origins, list(from, origin)?),
        b"created" => once(&mut created, time(from)?),
        b"updated" => once(&mut updated, time(from)?),
        b"expires" => once(&mut expires, maybe(from, time)?),
        b"labels" => once(&mut labels, map(from, text)?),
        b"derived_from" => once(&mut derived_from, maybe(from, derivation)?),
        _ => Err(unknown()),
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
        b"secret" => once(&mut secret, from.bool()?),
        b"expires" => once(&mut expires, maybe(from, time)?),
        b"value" => once(&mut valued, value(from)?),
        _ => Err(unknown()),
    })?;
    let (form, value) = there(valued)?;
    Ok(Field { value, form, secret: there(secret)?, expires: there(expires)? })
}

fn value(from: &mut Decoder<'_>) -> Read<(Form, Secret)> {
    let mut value = None;
    keys(from, |from, key| match key {
        b"text" => once(&mut value, (Form::Text, Secret::from(from.str()?))),
        b"bytes" => once(&mut value, (Form::Bytes, Secret::from(from.bytes()?))),
        _ => Err(unknown()),
    })?;
    there(value)
}

fn origin(from: &mut Decoder<'_>) -> Read<Origin> {
    let (mut scheme, mut host, mut port) = (None, None, None);
    keys(from, |from, key| match key {
        b"scheme" => once(&mut scheme, text(from)?),
        b"host" => once(&mut host, text(from)?),
        b"port" => once(&mut port, from.u16()?),
        _ => Err(unknown()),
    })?;
    Ok(Origin { scheme: there(scheme)?, host: there(host)?, port: there(port)? })
}

fn derivation(from: &mut Decoder<'_>) -> Read<Derivation> {
    let (mut user, mut name, mut revision) = (None, None, None);
    keys(from, |from, key| match key {
        b"user" => once(&mut user, from.str()?),
        b"name" => once(&mut name, from.str()?),
        b"revision" => once(&mut revision, from.bytes()?),
        _ => Err(unknown()),
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

/// Reads a map with any keys.
fn map<V>(
    from: &mut Decoder<'_>,
    value: impl Fn(&mut Decoder<'_>) -> Read<V>,
) -> Read<BTreeMap<String, V>> {
    let mut map = BTreeMap::new();
    for _ in 0..few(from.map()?)? {
        let key = text(from)?;
        if map.insert(key, value(from)?).is_some() {
            return Err(twice());
        }
    }
    Ok(map)
}

fn list<T>(from: &mut Decoder<'_>, item: impl Fn(&mut Decoder<'_>) -> Read<T>) -> Read<Vec<T>> {
    let items = few(from.array()?)?;
    (0..items).map(|_| item(from)).collect()
}

/// Reads an item, or `null`.
fn maybe<T>(
    from: &mut Decoder<'_>,
    item: impl FnOnce(&mut Decoder<'_>) -> Read<T>,
) -> Read<Option<T>> {
    let start = from.position();
    if from.input().get(start) == Some(&NULL) {
        from.set_position(start + 1);
        return Ok(None);
    }
    item(from).map(Some)
}

/// Reads each key of a map, and calls `item` to read its value.
fn keys<'a>(
    from: &mut Decoder<'a>,
    mut item: impl FnMut(&mut Decoder<'a>, &'a [u8]) -> Read<()>,
) -> Read<()> {
    for _ in 0..few(from.map()?)? {
        let key = key(from)?;
        item(from, key)?;
    }
    Ok(())
}

/// Reads a text that the caller compares with known keys, so it need not be checked for UTF-8. The
/// check would take a quarter of the time of decoding a record.
fn key<'a>(from: &mut Decoder<'a>) -> Read<&'a [u8]> {
    let start = from.position();
    // The heads of texts of up to 23 bytes (RFC 8949, 3.1).
    if let Some((head @ 0x60..=0x77, rest)) = from.input()[start..].split_first()
        && let Some(key) = rest.get(..usize::from(head - 0x60))
    {
        from.set_position(start + 1 + key.len());
        return Ok(key);
    }
    from.str().map(str::as_bytes)
}

fn once<T>(place: &mut Option<T>, item: T) -> Read<()> {
    match place.replace(item) {
        None => Ok(()),
        Some(_) => Err(twice()),
    }
}

fn there<T>(item: Option<T>) -> Read<T> {
    item.ok_or_else(|| Error::message("a key is missing"))
}

fn twice() -> Error {
    Error::message("a key occurs twice")
}

fn unknown() -> Error {
    Error::message("an unknown key")
}

/// Returns the number of items that follow, if it is known and not too large.
fn few(items: Option<u64>) -> Read<u64> {
    items
        .filter(|items| *items <= MAX_ITEMS as u64)
        .ok_or_else(|| Error::message("too many items, or an unknown number"))
}
