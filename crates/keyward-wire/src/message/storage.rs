//! The fields of storages.

use std::time::Duration;

use keyward_core::{
    self as core, Bulk, BulkLimits, Cursor, EntryId, Exclusion, Expect, LockMode, Operation, Page,
    Persistence, Put, Query, Revision, Sharing, StorageAbilities, Stored, Swaps, Timestamp,
};

use super::words::{meaning, word};
use super::{entry, failure};
use crate::cbor::{Fields, Item, Malformed, Map, Put as _, Raw, list, map};

/// Writes the field `expect`: `any`, `absent`, or the bytes of a revision.
pub fn write_expect(fields: &mut Fields<'_>, expect: &Expect) {
    match expect {
        Expect::Any => fields.put("expect", "any"),
        Expect::Absent => fields.put("expect", "absent"),
        Expect::Revision(revision) => fields.put("expect", revision.as_bytes()),
        // No program accepts the word of a condition that it does not know.
        _ => fields.put("expect", "unknown"),
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
    Ok(Put::expecting(read_expect(fields)?).expiring(expires))
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
    let limit = usize::try_from(fields.get::<u64>("limit")?).map_err(|_| Malformed("limit"))?;
    Ok(Query::default()
        .with_user(fields.find("user")?)
        .with_prefix(fields.get("prefix")?)
        .with_cursor(fields.find::<&[u8]>("cursor")?.map(|cursor| Cursor(cursor.to_vec())))
        .with_limit(limit))
}

/// Writes the fields of a page.
pub fn write_page(fields: &mut Fields<'_>, page: &Page) {
    write_entries(fields, &page.entries);
    fields.put_some("next", page.next.as_ref().map(|cursor| &cursor.0[..]));
}

/// Reads the fields of a page.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_page(fields: &Map<'_>) -> Result<Page, Malformed> {
    let next = fields.find::<&[u8]>("next")?.map(|cursor| Cursor(cursor.to_vec()));
    Ok(Page::new(read_entries(fields)?, next))
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
            // A map without an entry is refused.
            _ => {}
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
    /// Which conditions it checks.
    pub swaps: Swaps,
    /// When a lock ends if its holder vanishes.
    pub exclusion: Exclusion,
    /// How much it applies at once.
    pub bulk_limits: BulkLimits,
    /// Whether it has the call `get_many`.
    pub get_many: bool,
}

const PERSISTENCE: [(&str, Persistence); 4] = [
    ("cache", Persistence::Cache),
    ("process", Persistence::Process),
    ("session", Persistence::Session),
    ("durable", Persistence::Durable),
];

const SHARING: [(&str, Sharing); 3] =
    [("process", Sharing::Process), ("machine", Sharing::Machine), ("network", Sharing::Network)];

const SWAPS: [(&str, Swaps); 3] =
    [("all", Swaps::All), ("puts", Swaps::Puts), ("none", Swaps::None)];

const EXCLUSION: [(&str, Exclusion); 3] =
    [("holder", Exclusion::Holder), ("lease", Exclusion::Lease), ("process", Exclusion::Process)];

const MODES: [(&str, LockMode); 2] =
    [("shared", LockMode::Shared), ("exclusive", LockMode::Exclusive)];

/// Writes the abilities of a storage.
pub fn write_abilities(fields: &mut Fields<'_>, abilities: &StorageAbilities<'_>) {
    fields
        .put("persistence", word(&PERSISTENCE, abilities.persistence))
        .put("sharing", word(&SHARING, abilities.sharing))
        .put("lists", abilities.lists)
        .put_some("largest", abilities.largest.map(|largest| largest as u64))
        .put("swaps", word(&SWAPS, abilities.swaps))
        .put("get_many", true)
        .put("bulk", abilities.bulk.is_some())
        .put("locks", abilities.locks.is_some());
    let limits = abilities.bulk.map(Bulk::limits).unwrap_or_default();
    fields
        .put_some("bulk_operations", limits.operations.map(|operations| operations as u64))
        .put_some("bulk_bytes", limits.bytes.map(|bytes| bytes as u64))
        .put_some("exclusion", abilities.locks.map(|locks| word(&EXCLUSION, locks.exclusion())));
}

/// Reads the abilities of a storage.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_abilities(fields: &Map<'_>) -> Result<Abilities, Malformed> {
    let limit = |name| {
        let limit = fields.find::<u64>(name)?.map(usize::try_from).transpose();
        limit.map_err(|_| Malformed(name))
    };
    let known = |name| fields.find::<Raw<'_>>(name).map(|found| found.is_some());
    Ok(Abilities {
        persistence: meaning(&PERSISTENCE, fields, "persistence")?,
        sharing: meaning(&SHARING, fields, "sharing")?,
        lists: fields.get("lists")?,
        largest: limit("largest")?,
        bulk: fields.find("bulk")?.unwrap_or_default(),
        locks: fields.find("locks")?.unwrap_or_default(),
        swaps: match known("swaps")? {
            true => meaning(&SWAPS, fields, "swaps")?,
            false => Swaps::All,
        },
        exclusion: match known("exclusion")? {
            true => meaning(&EXCLUSION, fields, "exclusion")?,
            false => Exclusion::Holder,
        },
        bulk_limits: BulkLimits::new(limit("bulk_operations")?, limit("bulk_bytes")?),
        get_many: fields.find("get_many")?.unwrap_or_default(),
    })
}

/// Writes the field `entries` of `get_many`.
pub fn write_entries(fields: &mut Fields<'_>, ids: &[EntryId]) {
    fields.put_list("entries", ids, |out, id| list(out, &[id.user(), id.name_or_empty()]));
}

/// Reads the field `entries`.
///
/// # Errors
/// [`Malformed`] if it is missing or names something that cannot be an entry.
pub fn read_entries(fields: &Map<'_>) -> Result<Vec<EntryId>, Malformed> {
    // Decoded one by one: together they could take sixteen times the memory of their encoded form.
    let entries: Vec<Raw<'_>> = fields.get("entries")?;
    let entries = entries.iter().map(|parts| match Vec::<&str>::read(parts.0).as_deref() {
        Some([user, name]) => EntryId::restore(user, name).map_err(|_| Malformed("entries")),
        _ => Err(Malformed("entries")),
    });
    entries.collect()
}

/// Writes the field `results` of the answer to `get_many`.
pub fn write_results(fields: &mut Fields<'_>, results: &[core::Result<Stored>]) {
    fields.put_list("results", results, |out, result| {
        map(out, |fields| match result {
            Ok(stored) => {
                fields.put("blob", &stored.blob[..]);
                fields.put_some("revision", stored.given_revision().map(Revision::as_bytes));
            }
            Err(error) => {
                fields.put_map("error", |fields| failure::write(fields, error));
            }
        });
    });
}

/// Reads the field `results`.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_results(fields: &Map<'_>) -> Result<Vec<core::Result<Stored>>, Malformed> {
    let results: Vec<Map<'_>> = fields.get("results")?;
    let read = |fields: &Map<'_>| {
        if let Some(error) = fields.find::<Map<'_>>("error")? {
            return Ok(Err(failure::read(&error)?));
        }
        let blob = fields.get::<&[u8]>("blob")?.to_vec();
        Ok(Ok(match fields.find("revision")? {
            Some(bytes) => Stored::new(blob, revision(bytes)?),
            None => Stored::without_revision(blob),
        }))
    };
    results.iter().map(read).collect()
}

/// Writes the field `revisions` of the answer to `bulk`: `null` for a delete.
pub fn write_revisions(fields: &mut Fields<'_>, revisions: &[Option<Revision>]) {
    fields.put_list("revisions", revisions, |out, revision| match revision {
        Some(revision) => revision.as_bytes().put(out),
        None => Raw(&[NULL]).put(out),
    });
}

/// Reads the field `revisions`, which may be missing.
///
/// # Errors
/// [`Malformed`] if it has a value that the protocol does not allow.
pub fn read_revisions(fields: &Map<'_>) -> Result<Vec<Option<Revision>>, Malformed> {
    let revisions: Vec<Raw<'_>> = fields.find("revisions")?.unwrap_or_default();
    let read = |item: &Raw<'_>| match item.0 {
        [NULL] => Ok(None),
        item => revision(<&[u8]>::read(item).ok_or(Malformed("revisions"))?).map(Some),
    };
    revisions.iter().map(read).collect()
}

/// The item `null` (RFC 8949, section 3.3).
const NULL: u8 = 0xf6;

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
