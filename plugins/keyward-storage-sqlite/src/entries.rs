//! The statements that this storage runs on a database.

use keyward_plugin::{EntryId, Error, Expect, Page, Put, Query, Result, Revision, Stored};
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use crate::error::failed;

pub(crate) fn get(connection: &Connection, id: &EntryId) -> Result<Stored> {
    const GET: Lookup = [
        "SELECT blob, revision FROM entry WHERE number = ?1 AND user = ?2 AND name = ?3",
        "SELECT blob, revision FROM entry WHERE user = ?2 AND name = ?3",
    ];
    let found = find(connection, GET, id, |row| {
        Ok(Stored::new(row.get_ref(0)?.as_blob()?.to_vec(), revision(row.get(1)?)))
    });
    found.map_err(|error| failed("get", error))?.ok_or_else(|| Error::not_found("get"))
}

/// Stores a blob. The revisions of an entry increase. The first revision of a new or recreated
/// entry is higher than all revisions that were ever deleted, so that it does not repeat an earlier
/// one.
pub(crate) fn put(
    connection: &Connection,
    id: &EntryId,
    blob: &[u8],
    put: &Put,
) -> Result<Revision> {
    const FLOOR: &str = "SELECT floor FROM state";
    const UPDATE: &str =
        "UPDATE entry SET revision = ?2, expires = ?3, blob = ?4 WHERE number = ?1";
    // SQLite chooses a number if the statement gives none.
    const INSERT: &str = "INSERT INTO entry VALUES (
        iif(EXISTS (SELECT 1 FROM entry WHERE number = ?1), NULL, ?1), ?5, ?6, ?2, ?3, ?4)";
    let found = present(connection, "put", id)?;
    put.expect.check("put", found.as_ref().map(|found| revision(found.revision)).as_ref())?;
    let expires = put.expires.map(|time| i64::try_from(time.as_unix()).unwrap_or(i64::MAX));
    let next = |last: i64| last.checked_add(1).ok_or_else(|| Error::corrupt("put"));
    let failed = |error| failed("put", error);
    let run = |statement, values: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(statement)?.execute(values)
    };
    let kept = match found {
        Some(Present { number, revision }) => {
            let next = next(revision)?;
            run(UPDATE, params![number, next, expires, blob]).map(|_| next)
        }
        None => {
            let floor =
                connection.prepare_cached(FLOOR).map_err(failed)?.query_row([], |row| row.get(0));
            let next = next(floor.map_err(failed)?)?;
            let (user, name) = (id.user(), id.name_or_empty());
            run(INSERT, params![number(id), next, expires, blob, user, name]).map(|_| next)
        }
    };
    Ok(revision(kept.map_err(failed)?))
}

pub(crate) fn delete(connection: &Connection, id: &EntryId, expect: &Expect) -> Result<()> {
    const DELETE: &str = "DELETE FROM entry WHERE number = ?1";
    const RAISE: &str = "UPDATE state SET floor = max(floor, ?1)";
    let found = present(connection, "delete", id)?;
    expect.check("delete", found.as_ref().map(|found| revision(found.revision)).as_ref())?;
    let found = found.ok_or_else(|| Error::not_found("delete"))?;
    let remove = || {
        connection.prepare_cached(DELETE)?.execute([found.number])?;
        connection.prepare_cached(RAISE)?.execute([found.revision])
    };
    remove().map(drop).map_err(|error| failed("delete", error))
}

/// The index contains the entries in the order of user and name.
pub(crate) fn page(connection: &Connection, query: &Query<'_>) -> Result<Page> {
    const LIST: &str =
        "SELECT user, name FROM entry WHERE (user, name) >= (?1, ?2) ORDER BY user, name";
    let failed = |error| failed("list", error);
    let mut list = connection.prepare_cached(LIST).map_err(failed)?;
    query.page_in_order(|user, name| {
        let rows = list.query_map([user, name], entry).map_err(failed)?;
        Ok(rows.map(move |id| id.map_err(failed)?))
    })
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Result<EntryId>> {
    let (user, name) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
    Ok(EntryId::restore(user, name).map_err(|_| Error::corrupt("list")))
}

/// An existing entry.
struct Present {
    number: i64,
    revision: i64,
}

fn present(
    connection: &Connection,
    operation: &'static str,
    id: &EntryId,
) -> Result<Option<Present>> {
    const PRESENT: Lookup = [
        "SELECT number, revision FROM entry WHERE number = ?1 AND user = ?2 AND name = ?3",
        "SELECT number, revision FROM entry WHERE user = ?2 AND name = ?3",
    ];
    find(connection, PRESENT, id, |row| Ok(Present { number: row.get(0)?, revision: row.get(1)? }))
        .map_err(|error| failed(operation, error))
}

/// Two statements: one that finds an entry by its number, and one that finds it by the index.
type Lookup = [&'static str; 2];

/// Reads the row of an entry.
///
/// The number of an entry is a hash of its names, so that one step finds it however many rows there
/// are. If another entry already has that number, the entry gets another one and is found by the
/// index.
fn find<T>(
    connection: &Connection,
    lookup: Lookup,
    id: &EntryId,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    let values = params![number(id), id.user(), id.name_or_empty()];
    for statement in lookup {
        let mut statement = connection.prepare_cached(statement)?;
        if let Some(found) = statement.query_row(values, &read).optional()? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Small numbers take less space, so that more of the tree's branches fit into memory.
fn number(id: &EntryId) -> u32 {
    let hash = Sha256::digest(id.to_bytes());
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

fn revision(counter: i64) -> Revision {
    Revision::from(counter.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    /// Two entries that hash alike.
    fn twins() -> [EntryId; 2] {
        let mut seen = std::collections::HashMap::new();
        for at in 0.. {
            let name = format!("{at}");
            let id = EntryId::new("ann", Some(&name)).unwrap();
            if let Some(first) = seen.insert(number(&id), id.clone()) {
                return [first, id];
            }
        }
        unreachable!("there are more names than hashes")
    }

    #[test]
    fn entries_with_the_same_hash_are_separate() {
        let connection = Connection::open_in_memory().unwrap();
        schema::fill(&connection).unwrap();
        let [a, b] = &twins();
        let keep = |id: &EntryId, blob| {
            put(&connection, id, blob, &Put::expecting(Expect::Any)).map(drop).unwrap();
        };
        let blob = |id: &EntryId| get(&connection, id).map(|stored| stored.blob);
        keep(a, b"a");
        keep(b, b"b");
        keep(b, b"b, again");
        assert_eq!((blob(a).unwrap(), blob(b).unwrap()), (b"a".to_vec(), b"b, again".to_vec()));
        assert_eq!(page(&connection, &Query::default()).unwrap().entries.len(), 2);
        delete(&connection, a, &Expect::Any).unwrap();
        assert!(blob(a).unwrap_err().is_miss());
        assert_eq!(blob(b).unwrap(), b"b, again");
        keep(b, b"b, still");
        keep(a, b"a, again");
        delete(&connection, b, &Expect::Any).unwrap();
        assert!(blob(b).unwrap_err().is_miss());
        assert_eq!(blob(a).unwrap(), b"a, again");
    }
}
