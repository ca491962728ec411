//! The database file: how it is made, recognised, opened and removed.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use keyward_plugin::fs::PrivateDir;
use keyward_plugin::{Error, ErrorKind, LockMode, Result, catch_panic};
use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, ReadOnlyTable, ReadTransaction, ReadableDatabase,
    ReadableTable, Table, TableDefinition, WriteTransaction,
};

use crate::error::failed;

/// User and name; a revision, the time when the entry expires, and the blob.
type Key = (&'static str, &'static str);
type Value = (u64, Option<u64>, &'static [u8]);

const ENTRIES: TableDefinition<Key, Value> = TableDefinition::new("entries");
const STATE: TableDefinition<&str, u64> = TableDefinition::new("keyward");

/// The version of the tables, stored under `version` in `STATE`.
const VERSION: u64 = 1;

/// The first bytes of every redb database.
const MAGIC: &[u8; 9] = b"redb\x1a\x0a\xa9\x0d\x0a";

/// The greatest size of redb's cache; each operation starts with an empty one.
const CACHE: usize = 16 << 20;

/// The tables for reading.
pub(crate) type Entries = ReadOnlyTable<Key, Value>;

/// The tables for writing.
pub(crate) struct Tables<'t> {
    pub(crate) entries: Table<'t, Key, Value>,
    state: Table<'t, &'static str, u64>,
}

impl Tables<'_> {
    /// Returns a revision that no entry ever had.
    pub(crate) fn next_revision(&mut self) -> Result<u64> {
        let failed = |error| failed("put", error);
        let last = self.state.get("revision").map_err(failed)?.map_or(0, |last| last.value());
        let next = last.checked_add(1).ok_or_else(|| Error::corrupt("put"))?;
        self.state.insert("revision", next).map_err(failed)?;
        Ok(next)
    }
}

/// Where the database is: a folder and a file in it.
#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    file: PathBuf,
    /// Set when the file was found to be Keyward's.
    recognised: OnceLock<()>,
}

impl Place {
    pub(crate) fn new(path: &Path) -> Self {
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let file = path.file_name().map(PathBuf::from).unwrap_or_default();
        Self { folder, file, recognised: OnceLock::new() }
    }

    /// Opens the folder, and makes it if it is missing.
    pub(crate) fn create_dir(&self) -> Result<PrivateDir> {
        PrivateDir::create(&self.folder)
    }

    /// Reads, together with other readers; `None` if there is no database.
    pub(crate) fn read<T>(
        &self,
        operation: &'static str,
        wait: Duration,
        work: impl FnOnce(&Entries) -> Result<T>,
    ) -> Result<Option<T>> {
        let Some(dir) = PrivateDir::open(&self.folder)? else { return Ok(None) };
        if !dir.contains(&self.file)? {
            return Ok(None);
        }
        catch_panic(operation, || {
            loop {
                let turn = dir.lock("database", LockMode::Shared, wait)?;
                let Some(file) = dir.open_file(&self.file, false)? else { return Ok(None) };
                match builder().open_read_only_with_backend(backend(file)?) {
                    Ok(database) => {
                        let reading = database.begin_read().map_err(|e| failed(operation, e))?;
                        return work(&self.entries(operation, &reading)?).map(Some);
                    }
                    Err(DatabaseError::RepairAborted) => {}
                    Err(error) => return Err(failed(operation, error)),
                }
                drop(turn);
                // A writer was killed. Opening the database for writing repairs it.
                let _lock = dir.lock("database", LockMode::Exclusive, wait)?;
                let Some(file) = dir.open_file(&self.file, true)? else { return Ok(None) };
                builder()
                    .create_with_backend(backend(file)?)
                    .and_then(Database::close)
                    .map_err(|error| failed(operation, error))?;
            }
        })
    }

    /// Makes all changes of `work`, or none if it fails. The database is made if it is missing.
    pub(crate) fn write<T>(
        &self,
        operation: &'static str,
        wait: Duration,
        work: impl FnOnce(&mut Tables<'_>) -> Result<T>,
    ) -> Result<T> {
        let dir = self.create_dir()?;
        if !dir.contains(&self.file)? {
            self.create(&dir, wait)?;
        } else if self.recognised.get().is_none() {
            // Opening another program's database for writing would change it.
            self.read(operation, wait, |_| Ok(()))?;
        }
        catch_panic(operation, || {
            let _lock = dir.lock("database", LockMode::Exclusive, wait)?;
            let gone = || {
                Error::new(ErrorKind::Unavailable, operation)
                    .because("the store is being destroyed")
            };
            let file = dir.open_file(&self.file, true)?.ok_or_else(gone)?;
            let database = builder()
                .create_with_backend(backend(file)?)
                .map_err(|error| failed(operation, error))?;
            change(&database, operation, work)
        })
    }

    /// Makes the database, unless another process just did. An incomplete database is never
    /// visible.
    fn create(&self, dir: &PrivateDir, wait: Duration) -> Result<()> {
        let _lock = dir.lock("database", LockMode::Exclusive, wait)?;
        if dir.contains(&self.file)? {
            return Ok(());
        }
        let new = self.unfinished();
        dir.replace(&new, b"")?;
        let gone = || Error::new(ErrorKind::Unavailable, "create");
        let file = dir.open_file(&new, true)?.ok_or_else(gone)?;
        let database = builder()
            .create_with_backend(backend(file)?)
            .map_err(|error| failed("create", error))?;
        change(&database, "create", |tables| {
            tables.state.insert("version", VERSION).map(drop).map_err(|e| failed("create", e))
        })?;
        database.close().map_err(|error| failed("create", error))?;
        std::fs::rename(self.folder.join(new), self.folder.join(&self.file))
            .and_then(|()| File::open(&self.folder)?.sync_all())
            .map_err(|error| Error::io("create", error))
    }

    /// Removes the database, even a damaged one, but not a symbolic link to one. Returns whether the
    /// folder is removed too.
    pub(crate) fn remove(&self, wait: Duration) -> Result<bool> {
        let Some(dir) = PrivateDir::open(&self.folder)? else {
            return Ok(!self.folder.is_symlink());
        };
        let is_link = self.folder.join(&self.file).is_symlink();
        if !is_link {
            self.check_ours(&dir, wait)?;
        }
        let _lock = dir.lock("database", LockMode::Exclusive, wait)?;
        if !is_link {
            dir.remove(&self.file)?;
        }
        dir.remove(&self.unfinished())?;
        dir.destroy()
    }

    /// Refuses another program's file.
    fn check_ours(&self, dir: &PrivateDir, wait: Duration) -> Result<()> {
        if let Err(error) = self.read("destroy", wait, |_| Ok(()))
            && !(is_unreadable(&error) && self.is_redb(dir)?)
        {
            let path = self.folder.join(&self.file);
            let hint = format!("If it was the store's, remove {} by hand", path.display());
            return Err(error.hint(hint));
        }
        Ok(())
    }

    /// Whether the file began as a redb database, even if it is damaged now.
    fn is_redb(&self, dir: &PrivateDir) -> Result<bool> {
        let Some(mut file) = dir.open_file(&self.file, false)? else { return Ok(false) };
        let mut start = [0; MAGIC.len()];
        Ok(file.read_exact(&mut start).is_ok() && start == *MAGIC)
    }

    /// The name of the database while it is made.
    fn unfinished(&self) -> PathBuf {
        let mut name = self.file.clone().into_os_string();
        name.push(".new");
        name.into()
    }

    fn entries(&self, operation: &'static str, reading: &ReadTransaction) -> Result<Entries> {
        let state = reading.open_table(STATE).map_err(|error| failed(operation, error))?;
        let version = state.get("version").map_err(|error| failed(operation, error))?;
        match version.map(|version| version.value()) {
            Some(VERSION) => {}
            Some(newer) if newer > VERSION => {
                let why = format!("the database has version {newer}, this program knows {VERSION}");
                return Err(Error::new(ErrorKind::Unsupported, operation)
                    .because(why)
                    .hint("A newer Keyward made it; upgrade this one"));
            }
            _ => return Err(Error::corrupt(operation)),
        }
        let entries = reading.open_table(ENTRIES).map_err(|error| failed(operation, error))?;
        self.recognised.get_or_init(|| ());
        Ok(entries)
    }
}

fn change<T>(
    database: &Database,
    operation: &'static str,
    work: impl FnOnce(&mut Tables<'_>) -> Result<T>,
) -> Result<T> {
    let mut transaction = database.begin_write().map_err(|error| failed(operation, error))?;
    // Each commit writes what a repair needs. So after a crash, the repair need not read all
    // entries.
    transaction.set_quick_repair(true);
    let result = work(&mut tables(&transaction, operation)?)?;
    transaction.commit().map_err(|error| failed(operation, error))?;
    Ok(result)
}

fn tables<'t>(transaction: &'t WriteTransaction, operation: &'static str) -> Result<Tables<'t>> {
    let failed = |error| failed(operation, error);
    let entries = transaction.open_table(ENTRIES).map_err(failed)?;
    Ok(Tables { entries, state: transaction.open_table(STATE).map_err(failed)? })
}

/// Whether the error means that there is a database which this program cannot read.
fn is_unreadable(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported)
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

fn backend(file: File) -> Result<FileBackend> {
    FileBackend::new(file).map_err(|error| failed("open", error))
}
