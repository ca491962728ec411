//! Creates, identifies, opens and removes the database file.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keyward_plugin::fs::PrivateDir;
use keyward_plugin::{Error, ErrorKind, LockMode, MAX_BLOB, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::failed;
use crate::schema;

/// The endings of the files that SQLite keeps beside a database.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// The place of the database: a folder and a file in it.
#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    file: PathBuf,
}

impl Place {
    pub(crate) fn new(path: &Path) -> Self {
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Self { folder, file: path.file_name().map(PathBuf::from).unwrap_or_default() }
    }

    /// Returns the folder, and creates it if it is missing.
    pub(crate) fn create_dir(&self) -> Result<PrivateDir> {
        PrivateDir::create(&self.folder)
    }

    /// Connects to the database; `None` if there is none.
    pub(crate) fn open(&self, wait: Duration) -> Result<Option<Connection>> {
        let Some(dir) = PrivateDir::open(&self.folder)? else { return Ok(None) };
        if !dir.contains(&self.file)? {
            return Ok(None);
        }
        for companion in COMPANIONS {
            dir.contains(&self.beside(companion))?;
        }
        let path = self.path()?;
        recognise(&path)?;
        match connect(&path, wait) {
            Err(error) if error.kind() == ErrorKind::Unavailable && !dir.can_be_written() => {
                self.open_to_read(&path, wait).map(Some)
            }
            connected => connected.map(Some),
        }
    }

    /// Connects if nothing can be written, so that SQLite cannot create the files for its locks.
    fn open_to_read(&self, path: &Path, wait: Duration) -> Result<Connection> {
        // SQLite reads the files that a writer left or has open, and so knows the content of the
        // log.
        if let Ok(connection) = connect_to_read(path, wait, SHARED) {
            return Ok(connection);
        }
        let log = path.with_file_name(self.beside("-wal"));
        if std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            let why = format!("{} has changes that are not in the database yet", log.display());
            let hint = format!(
                "Make {} writable and run the command again, or use a copy of the folder",
                self.folder.display()
            );
            return Err(Error::new(ErrorKind::Unavailable, "open").because(why).hint(hint));
        }
        connect_to_read(path, wait, IMMUTABLE)
    }

    /// Creates the database, unless another process has just done so. An incomplete database never
    /// exists at its path.
    pub(crate) fn create(&self, wait: Duration) -> Result<()> {
        let dir = self.create_dir()?;
        let _lock = dir.lock("database", LockMode::Exclusive, wait)?;
        if dir.contains(&self.file)? {
            return Ok(());
        }
        // SQLite would apply the log of a removed database to the new one.
        self.remove_companions(&dir)?;
        dir.create_new(&self.file, &schema::empty()?)
    }

    /// Removes the database, even a damaged one, but not a symbolic link to one. Returns whether it
    /// removed the folder too.
    pub(crate) fn remove(&self, wait: Duration) -> Result<bool> {
        let Some(dir) = PrivateDir::open(&self.folder)? else {
            return Ok(!self.folder.is_symlink());
        };
        let _lock = dir.lock("database", LockMode::Exclusive, wait)?;
        if !self.folder.join(&self.file).is_symlink() {
            self.remove_file(&dir)?;
        }
        self.remove_companions(&dir)?;
        dir.destroy()
    }

    fn remove_file(&self, dir: &PrivateDir) -> Result<()> {
        if dir.contains(&self.file)? {
            let path = self.path()?;
            let by_hand = || format!("If it was the store's, remove {} by hand", path.display());
            recognise(&path).map_err(|error| error.hint(by_hand()))?;
        }
        dir.remove(&self.file).map(drop)
    }

    /// Removes the files that SQLite kept beside the database.
    fn remove_companions(&self, dir: &PrivateDir) -> Result<()> {
        COMPANIONS
            .into_iter()
            .try_for_each(|companion| dir.remove(&self.beside(companion)).map(drop))
    }

    /// SQLite refuses symbolic links anywhere in a path. Links above the folder are allowed here.
    fn path(&self) -> Result<PathBuf> {
        let folder = self.folder.canonicalize().map_err(|error| Error::io("open", error))?;
        Ok(folder.join(&self.file))
    }

    fn beside(&self, companion: &str) -> PathBuf {
        let mut name = self.file.clone().into_os_string();
        name.push(companion);
        name.into()
    }
}

/// Refuses another program's database before SQLite can write to it.
fn recognise(path: &Path) -> Result<()> {
    // Immutable: SQLite reads only the first page of the file, and neither locks nor the log.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let found = Connection::open_with_flags(uri(path, IMMUTABLE), flags)
        .and_then(|database| schema::pragma(&database, "application_id"));
    match found {
        Ok(schema::APPLICATION_ID) => Ok(()),
        Ok(_) => Err(Error::new(ErrorKind::Refused, "open")
            .because(format!("{} is another program's database", path.display()))),
        // Another process may be writing the page at this moment. Then the connection reports an
        // error.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => Ok(()),
        Err(error) => Err(failed("open", error)),
    }
}

/// For reading while other processes use the database.
const SHARED: &str = "?mode=ro";

/// For reading a file that does not change: SQLite neither locks it nor looks for a log.
const IMMUTABLE: &str = "?immutable=1";

/// The bytes of a path that need no escape in a URI.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

fn uri(path: &Path, how: &str) -> String {
    format!("file:{}{how}", percent_encode(path.as_os_str().as_bytes(), PLAIN))
}

fn connect(path: &Path, wait: Duration) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    set_up(Connection::open_with_flags(path, flags), wait, SETTINGS)
}

fn connect_to_read(path: &Path, wait: Duration, how: &str) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    set_up(Connection::open_with_flags(uri(path, how), flags), wait, CACHE)
}

fn set_up(
    opened: rusqlite::Result<Connection>,
    wait: Duration,
    settings: &str,
) -> Result<Connection> {
    let set_up = || {
        let database = opened?;
        database.busy_timeout(wait)?;
        database.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        database.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        database.set_limit(Limit::SQLITE_LIMIT_LENGTH, LARGEST_ROW)?;
        database.execute_batch(settings)?;
        Ok(database)
    };
    let database = set_up().map_err(|error| failed("open", error))?;
    schema::check(&database)?;
    Ok(database)
}

/// The cache can contain all branches of the tree of a million entries.
const SETTINGS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
    PRAGMA cache_size = -4000;
";

/// The settings for a connection that only reads.
const CACHE: &str = "PRAGMA cache_size = -4000;";

/// The largest blob, with its names.
const LARGEST_ROW: i32 = (MAX_BLOB + 4096) as i32;
