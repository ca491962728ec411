use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use keyward_plugin::fs::{report_folder_stays, report_link_stays};
use keyward_plugin::{
    Bulk, EntryId, Error, ErrorKind, Expect, Guard, Host, LockMode, Locks, Operation, Page,
    Persistence, Put, Query, Result, Revision, Sharing, Storage, StorageAbilities, Stored,
};
use rusqlite::Connection;

use crate::database::Place;
use crate::entries;
use crate::error::{failed, in_file};

/// The longest time that a change waits for another process.
const WAIT: Duration = Duration::from_secs(30);

/// The storage `sqlite`.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    place: Place,
    host: Arc<dyn Host>,
    /// The connection, made when it is first needed.
    connection: Mutex<Option<Connection>>,
}

impl Sqlite {
    pub(crate) fn new(path: PathBuf, host: &Arc<dyn Host>) -> Self {
        let place = Place::new(&path);
        Self { path, place, host: Arc::clone(host), connection: Mutex::new(None) }
    }

    /// Returns the connection, or `None` if there is no database yet.
    fn connection(&self) -> Result<MutexGuard<'_, Option<Connection>>> {
        let mut connection = self.connection.lock()?;
        // A read-only connection may not see later changes, so it is opened each time.
        connection.take_if(|open| open.is_readonly("main").unwrap_or(true));
        match &*connection {
            Some(open) => open.busy_timeout(self.wait()).map_err(|error| failed("open", error))?,
            None => *connection = self.place.open(self.wait())?,
        }
        Ok(connection)
    }

    /// Makes all changes of `work`, or none if it fails. It creates the database if it is missing.
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
        // These statements are also kept compiled.
        let run = |statement| {
            let run = || connection.prepare_cached(statement)?.execute([]);
            run().map(drop).map_err(|error| failed(operation, error))
        };
        run("BEGIN IMMEDIATE")?;
        let result = work(connection).and_then(|result| run("COMMIT").map(|()| result));
        if result.is_err() && !connection.is_autocommit() {
            run("ROLLBACK")?;
        }
        result
    }

    /// Removes deleted data from the log. Errors are ignored, since readers may still need the
    /// data.
    fn scrub(&self) -> Result<()> {
        if let Some(connection) = &*self.connection.lock()? {
            let at_once = connection.busy_timeout(Duration::ZERO);
            let _ = at_once.and_then(|()| {
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            });
        }
        Ok(())
    }

    /// Returns the result, with the file and a hint in an error of SQLite.
    fn naming_the_file<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| in_file(error, &self.path))
    }

    fn wait(&self) -> Duration {
        self.host.remaining().map_or(WAIT, |left| left.min(WAIT))
    }
}

impl Storage for Sqlite {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        let get = || match &*self.connection()? {
            Some(connection) => entries::get(connection, id),
            None => Err(Error::not_found("get")),
        };
        self.naming_the_file(get())
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        let put = self.change("put", |connection| entries::put(connection, id, blob, put));
        self.naming_the_file(put)
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        let delete = || {
            if self.connection()?.is_none() {
                expect.check("delete", None)?;
                return Err(Error::not_found("delete"));
            }
            self.change("delete", |connection| entries::delete(connection, id, expect))?;
            self.scrub()
        };
        self.naming_the_file(delete())
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        let list = || match &*self.connection()? {
            Some(connection) => entries::page(connection, query),
            None => Ok(Page::default()),
        };
        self.naming_the_file(list())
    }

    fn destroy(&self) -> Result<()> {
        let mut connection = self.connection.lock()?;
        *connection = None;
        if !self.naming_the_file(self.place.remove(self.wait()))? {
            report_link_stays(&*self.host, &self.path);
            report_folder_stays(&*self.host, self.path.parent().unwrap_or(Path::new("/")));
        }
        Ok(())
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        StorageAbilities::new(Persistence::Durable, Sharing::Machine).bulk(self).locks(self)
    }
}

impl Bulk for Sqlite {
    fn apply(&self, operations: &[Operation<'_>]) -> Result<Vec<Option<Revision>>> {
        let applied = self.change("apply", |connection| {
            let apply = |operation: &Operation<'_>| match operation {
                Operation::Put(id, blob, put) => entries::put(connection, id, blob, put).map(Some),
                Operation::Delete(id, expect) => {
                    entries::delete(connection, id, expect).map(|()| None)
                }
                _ => Err(Error::new(ErrorKind::Unsupported, "apply")),
            };
            operations.iter().map(apply).collect()
        });
        let revisions = self.naming_the_file(applied)?;
        if operations.iter().any(|operation| matches!(operation, Operation::Delete(..))) {
            self.scrub()?;
        }
        Ok(revisions)
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
        self.place.create_dir()?.lock_entry(id, mode, wait)
    }
}
