//! The fields of storages.

use std::time::Duration;

use keyward_core::{
    Cursor, EntryId, Expect, LockMode, Operation, Page, Persistence, Put, Query, Revision, Sharing,
    StorageAbilities, Timestamp,
};

use super::entry;
use super::words::{meaning, word};
use crate::cbor::{Fields, Item, Malformed, Map, Raw, list, map};

/// Writes the field `expect`: `any`, `absent`, or the bytes of a revision.
pub fn write_expect(fields: &mut Fields<'_>, expect: &Expect) {
    match expect {
        Expect::Any => fields.put("expect", "any"),
        Expect::Absent => fields.put("expect", "absent"),
        Expect::Revision(revision) => fields.put("expect", revision.as_bytes()),
    };
}

/// Reads the field `expect`.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_expect(fields: &Map<'_>) -> Result<Expect, Malformed> {
    let Raw(item) = fields.get("expect")?;
    match <&str>::read(item) {
        Some("any") => Ok(Expect::Any),
        Some("absent") => Ok(Expect::Absent),
        Some(_) => Err(Malformed("expect")),
        None => Ok(Expect::Revision(revision(fields.get("expect")?)?)),
    }
}

/// Reads a revision.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn revision(bytes: &[u8]) -> Result<Revision, Malformed> {
    Revision::new(bytes).map_err(|_| Malformed("revision"))
}

/// Writes the fields of a [`Put`].
pub fn write_put(fields: &mut Fields<'_>, put: &Put) {
    write_expect(fields, &put.expect);
    fields.put_some("expires", put.expires.map(Timestamp::as_unix));
}

/// Reads the fields of a [`Put`].
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_put(fields: &Map<'_>) -> Result<Put, Malformed> {
    let expires = fields.find("expires")?.map(Timestamp::from_unix);
    Ok(Put { expect: read_expect(fields)?, expires })
}

/// Writes the fields of a query for at most `limit` entries.
pub fn write_query(fields: &mut Fields<'_>, query: &Query<'_>, limit: usize) {
    fields
        .put_some("user", query.user)
        .put("prefix", query.prefix)
        .put_some("cursor", query.cursor.as_ref().map(|cursor| &cursor.0[..]))
        .put("limit", limit as u64);
}

/// Reads the fields of a query.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_query<'a>(fields: &Map<'a>) -> Result<Query<'a>, Malformed> {
    Ok(Query {
        user: fields.find("user")?,
        prefix: fields.get("prefix")?,
        cursor: fields.find::<&[u8]>("cursor")?.map(|cursor| Cursor(cursor.to_vec())),
        limit: usize::try_from(fields.get::<u64>("limit")?).map_err(|_| Malformed("limit"))?,
    })
}

/// Writes the fields of a page.
pub fn write_page(fields: &mut Fields<'_>, page: &Page) {
    fields
        .put_list("entries", &page.entries, |out, id| list(out, &[id.user(), id.name_or_empty()]));
    fields.put_some("next", page.next.as_ref().map(|cursor| &cursor.0[..]));
}

/// Reads the fields of a page.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_page(fields: &Map<'_>) -> Result<Page, Malformed> {
    // Decoded one by one: together they could take sixteen times the memory of their encoded form.
    let entries: Vec<Raw<'_>> = fields.get("entries")?;
    let entries = entries.iter().map(|parts| match Vec::<&str>::read(parts.0).as_deref() {
        Some([user, name]) => EntryId::restore(user, name).map_err(|_| Malformed("entries")),
        _ => Err(Malformed("entries")),
    });
    Ok(Page {
        entries: entries.collect::<Result<_, _>>()?,
        next: fields.find::<&[u8]>("next")?.map(|cursor| Cursor(cursor.to_vec())),
    })
}

/// Writes the field `operations`. One with a `blob` is a put, one without a delete.
pub fn write_operations(fields: &mut Fields<'_>, operations: &[Operation<'_>]) {
    fields.put_list("operations", operations, |out, operation| {
        map(out, |fields| match operation {
            Operation::Put(id, blob, put) => {
                entry::write(fields, id);
                fields.put("blob", *blob);
                write_put(fields, put);
            }
            Operation::Delete(id, expect) => {
                entry::write(fields, id);
                write_expect(fields, expect);
            }
        });
    });
}

/// One operation of many that came in a frame.
#[derive(Debug)]
pub enum Received<'a> {
    /// Stores a blob.
    Put(EntryId, &'a [u8], Put),
    /// Deletes an entry.
    Delete(EntryId, Expect),
}

impl Received<'_> {
    /// The operation itself.
    pub fn operation(&self) -> Operation<'_> {
        match self {
            Self::Put(id, blob, put) => Operation::Put(id, blob, put.clone()),
            Self::Delete(id, expect) => Operation::Delete(id, expect.clone()),
        }
    }
}

/// Reads the field `operations`.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_operations<'a>(fields: &Map<'a>) -> Result<Vec<Received<'a>>, Malformed> {
    let operations: Vec<Map<'a>> = fields.get("operations")?;
    let read = |fields: &Map<'a>| {
        let id = entry::read(fields)?;
        Ok(match fields.find("blob")? {
            Some(blob) => Received::Put(id, blob, read_put(fields)?),
            None => Received::Delete(id, read_expect(fields)?),
        })
    };
    operations.iter().map(read).collect()
}

/// The abilities of an opened storage; see `StorageAbilities`.
#[derive(Clone, Copy, Debug)]
pub struct Abilities {
    /// How long entries last.
    pub persistence: Persistence,
    /// Who shares the entries.
    pub sharing: Sharing,
    /// Whether it can list its entries.
    pub lists: bool,
    /// The largest blob in bytes, if there is a limit.
    pub largest: Option<usize>,
    /// Whether it applies many operations at once.
    pub bulk: bool,
    /// Whether it locks entries.
    pub locks: bool,
}

const PERSISTENCE: [(&str, Persistence); 3] = [
    ("process", Persistence::Process),
    ("session", Persistence::Session),
    ("durable", Persistence::Durable),
];

const SHARING: [(&str, Sharing); 3] =
    [("process", Sharing::Process), ("machine", Sharing::Machine), ("network", Sharing::Network)];

const MODES: [(&str, LockMode); 2] =
    [("shared", LockMode::Shared), ("exclusive", LockMode::Exclusive)];

/// Writes the abilities of a storage.
pub fn write_abilities(fields: &mut Fields<'_>, abilities: &StorageAbilities<'_>) {
    fields
        .put("persistence", word(&PERSISTENCE, abilities.persistence))
        .put("sharing", word(&SHARING, abilities.sharing))
        .put("lists", abilities.lists)
        .put_some("largest", abilities.largest.map(|largest| largest as u64))
        .put("bulk", abilities.bulk.is_some())
        .put("locks", abilities.locks.is_some());
}

/// Reads the abilities of a storage.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_abilities(fields: &Map<'_>) -> Result<Abilities, Malformed> {
    let largest = fields.find::<u64>("largest")?.map(usize::try_from).transpose();
    Ok(Abilities {
        persistence: meaning(&PERSISTENCE, fields, "persistence")?,
        sharing: meaning(&SHARING, fields, "sharing")?,
        lists: fields.get("lists")?,
        largest: largest.map_err(|_| Malformed("largest"))?,
        bulk: fields.find("bulk")?.unwrap_or_default(),
        locks: fields.find("locks")?.unwrap_or_default(),
    })
}

/// Writes the fields of a request for a lock, with times in milliseconds.
pub fn write_lock(
    fields: &mut Fields<'_>,
    id: &EntryId,
    mode: LockMode,
    wait: Duration,
    ttl: Duration,
) {
    entry::write(fields, id);
    fields.put("mode", word(&MODES, mode)).put("wait", millis(wait)).put("ttl", millis(ttl));
}

/// Reads the mode of a requested lock.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_mode(fields: &Map<'_>) -> Result<LockMode, Malformed> {
    meaning(&MODES, fields, "mode")
}

/// A duration in whole milliseconds, rounded up.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Reads a duration in milliseconds.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_millis(fields: &Map<'_>, name: &'static str) -> Result<Duration, Malformed> {
    Ok(Duration::from_millis(fields.get(name)?))
}
