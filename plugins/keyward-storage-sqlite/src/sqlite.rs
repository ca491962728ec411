use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use keyward_plugin::fs::foreign_files_stay;
use keyward_plugin::{
    Bulk, Cursor, EntryId, Error, ErrorKind, Expect, Guard, Host, LockMode, Locks, Operation, Page,
    Persistence, Put, Query, Result, Revision, Sharing, Storage, StorageAbilities, Stored,
};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use crate::database::Place;
use crate::error::failed;

/// How long a change waits for another process at most.
const WAIT: Duration = Duration::from_secs(30);

/// The storage `sqlite`.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    place: Place,
    host: Arc<dyn Host>,
    /// Connected when first needed.
    connection: Mutex<Option<Connection>>,
}

impl Sqlite {
    pub(crate) fn at(path: PathBuf, host: &Arc<dyn Host>) -> Self {
        let place = Place::new(&path);
        Self { path, place, host: Arc::clone(host), connection: Mutex::new(None) }
    }

    /// The connection; nothing if there is no database yet.
    fn connection(&self) -> Result<MutexGuard<'_, Option<Connection>>> {
        let mut connection = self.connection.lock()?;
        match &*connection {
            Some(open) => open.busy_timeout(self.wait()).map_err(|error| failed("open", error))?,
            None => *connection = self.place.open(self.wait())?,
        }
        Ok(connection)
    }

    /// Makes all changes of `work`, or none if it fails. The database is made if it is missing.
    fn change<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let mut connection = self.connection()?;
        if connection.is_none() {
            self.place.create(self.wait())?;
            *connection = self.place.open(self.wait())?;
        }
        let gone = || {
            Error::new(ErrorKind::Unavailable, operation).because("the store is being destroyed")
        };
        let connection = connection.as_ref().ok_or_else(gone)?;
        let failed = |error| failed(operation, error);
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
            .map_err(failed)?;
        let result = work(&transaction)?;
        transaction.commit().map_err(failed)?;
        Ok(result)
    }

    /// Drops from the log what was deleted: best effort, since readers may still need it.
    fn scrub(&self) -> Result<()> {
        if let Some(connection) = &*self.connection.lock()? {
            let at_once = connection.busy_timeout(Duration::ZERO);
            let _ = at_once.and_then(|()| {
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            });
        }
        Ok(())
    }

    fn wait(&self) -> Duration {
        self.host.remaining().map_or(WAIT, |left| left.min(WAIT))
    }
}

impl Storage for Sqlite {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        const GET: &str = "SELECT blob, revision FROM entry WHERE user = ?1 AND name = ?2";
        let connection = self.connection()?;
        let Some(connection) = &*connection else { return Err(Error::not_found("get")) };
        let get = || {
            let mut get = connection.prepare_cached(GET)?;
            get.query_row([id.user(), id.name_or_empty()], |row| {
                let blob = row.get_ref(0)?.as_blob()?.to_vec();
                Ok(Stored::new(blob, revision(row.get(1)?)))
            })
            .optional()
        };
        get().map_err(|error| failed("get", error))?.ok_or_else(|| Error::not_found("get"))
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        self.change("put", |connection| put_one(connection, id, blob, put))
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        if self.connection()?.is_none() {
            expect.check("delete", None)?;
            return Err(Error::not_found("delete"));
        }
        self.change("delete", |connection| delete_one(connection, id, expect))?;
        self.scrub()
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        match &*self.connection()? {
            Some(connection) => page(connection, query),
            None => Ok(Page::default()),
        }
    }

    fn destroy(&self) -> Result<()> {
        let mut connection = self.connection.lock()?;
        *connection = None;
        if !self.place.remove(self.wait())? {
            foreign_files_stay(&*self.host, self.path.parent().unwrap_or(Path::new("/")));
        }
        Ok(())
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        StorageAbilities {
            persistence: Persistence::Durable,
            sharing: Sharing::Machine,
            lists: true,
            largest: None,
            bulk: Some(self),
            locks: Some(self),
        }
    }
}

impl Bulk for Sqlite {
    fn apply(&self, operations: &[Operation<'_>]) -> Result<()> {
        self.change("apply", |connection| {
            operations.iter().try_for_each(|operation| match operation {
                Operation::Put(id, blob, put) => put_one(connection, id, blob, put).map(drop),
                Operation::Delete(id, expect) => delete_one(connection, id, expect),
            })
        })?;
        let deletes = |operation: &Operation<'_>| matches!(operation, Operation::Delete(..));
        if operations.iter().any(deletes) { self.scrub() } else { Ok(()) }
    }
}

impl Locks for Sqlite {
    fn lock(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
        _ttl: Duration,
    ) -> Result<Box<dyn Guard>> {
        let name: String =
            Sha256::digest(id.to_bytes())[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Box::new(self.place.create_dir()?.lock_fairly(&name, mode, wait)?))
    }
}

/// An entry's revisions count up. One that is new or comes back starts above every revision
/// that was ever deleted, so that it meets none of its own again.
fn put_one(connection: &Connection, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
    const FLOOR: &str = "SELECT floor FROM state";
    const PUT: &str = "
        INSERT INTO entry (user, name, revision, expires, blob) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO UPDATE SET
            revision = excluded.revision, expires = excluded.expires, blob = excluded.blob";
    let found = found(connection, "put", id)?;
    put.expect.check("put", found.map(revision).as_ref())?;
    let expires = put.expires.map(|time| i64::try_from(time.as_unix()).unwrap_or(i64::MAX));
    let failed = |error| failed("put", error);
    let floor = || connection.prepare_cached(FLOOR)?.query_row([], |row| row.get(0));
    let last = found.map_or_else(floor, Ok).map_err(failed)?;
    let next = last.checked_add(1).ok_or_else(|| Error::corrupt("put"))?;
    let place = || {
        let mut place = connection.prepare_cached(PUT)?;
        place.execute(params![id.user(), id.name_or_empty(), next, expires, blob])
    };
    place().map_err(failed)?;
    Ok(revision(next))
}

fn delete_one(connection: &Connection, id: &EntryId, expect: &Expect) -> Result<()> {
    const DELETE: &str = "DELETE FROM entry WHERE user = ?1 AND name = ?2";
    const RAISE: &str = "UPDATE state SET floor = max(floor, ?1)";
    let found = found(connection, "delete", id)?;
    expect.check("delete", found.map(revision).as_ref())?;
    let last = found.ok_or_else(|| Error::not_found("delete"))?;
    let remove = || {
        connection.prepare_cached(DELETE)?.execute([id.user(), id.name_or_empty()])?;
        connection.prepare_cached(RAISE)?.execute([last])
    };
    remove().map(drop).map_err(|error| failed("delete", error))
}

/// The revision that the entry has now.
fn found(connection: &Connection, operation: &'static str, id: &EntryId) -> Result<Option<i64>> {
    const FIND: &str = "SELECT revision FROM entry WHERE user = ?1 AND name = ?2";
    let find = || {
        let mut find = connection.prepare_cached(FIND)?;
        find.query_row([id.user(), id.name_or_empty()], |row| row.get(0)).optional()
    };
    find().map_err(|error| failed(operation, error))
}

/// Entries lie in the order of user and name, so a page begins where the last one ended.
fn page(connection: &Connection, query: &Query<'_>) -> Result<Page> {
    const LIST: &str =
        "SELECT user, name FROM entry WHERE (user, name) >= (?1, ?2) ORDER BY user, name";
    let failed = |error| failed("list", error);
    let after = query.cursor.as_ref().map(resume).transpose()?;
    let first = (query.user.unwrap_or_default(), query.user.map_or("", |_| query.prefix));
    let first = after.as_ref().map_or(first, |id| first.max((id.user(), id.name_or_empty())));

    let mut page = Page::default();
    let mut list = connection.prepare_cached(LIST).map_err(failed)?;
    let mut rows = list.query([first.0, first.1]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let id = entry(row)?;
        if after.as_ref() == Some(&id) {
            continue;
        }
        if !query.matches(&id) {
            // What matches of one user lies together; of all users it does not.
            if query.user.is_some() { break } else { continue }
        }
        if page.entries.len() == query.limit {
            page.next = page.entries.last().map(|last| Cursor(last.to_bytes()));
            break;
        }
        page.entries.push(id);
    }
    Ok(page)
}

fn entry(row: &rusqlite::Row<'_>) -> Result<EntryId> {
    let part = |at| {
        let text = row.get_ref(at)?.as_str()?;
        Ok::<_, rusqlite::Error>(text)
    };
    let read = || Ok((part(0)?, part(1)?));
    let (user, name) = read().map_err(|error| failed("list", error))?;
    EntryId::restore(user, name).map_err(|_| Error::corrupt("list"))
}

/// The entry at which the last page ended, as [`EntryId::to_bytes`] wrote it.
fn resume(cursor: &Cursor) -> Result<EntryId> {
    let read = || {
        let (user, rest) = part(&cursor.0)?;
        let (name, rest) = part(rest)?;
        if rest.is_empty() { EntryId::restore(user, name).ok() } else { None }
    };
    read().ok_or_else(|| Error::invalid("list", "the cursor is not one of this storage"))
}

fn part(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    let (text, rest) = rest.split_at_checked(u16::from_be_bytes(*len).into())?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

fn revision(counter: i64) -> Revision {
    Revision::from(counter.cast_unsigned())
}
