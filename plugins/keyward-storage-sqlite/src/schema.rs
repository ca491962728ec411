//! The content of a database of this storage, and how it differs from any other.

use keyward_plugin::{Error, ErrorKind, Result};
use rusqlite::Connection;

use crate::error::failed;

/// `Keyw`: distinguishes this storage's databases from those of other programs.
pub(crate) const APPLICATION_ID: i32 = 0x4b65_7977;

/// The version of the schema.
const VERSION: i32 = 1;

/// The number of a row is a hash of its names, so that it is found without the index; see
/// `entries`. `floor` is at least as high as every revision that was ever deleted.
const TABLES: [&str; 2] = [
    "CREATE TABLE entry (
        number INTEGER PRIMARY KEY,
        user TEXT NOT NULL,
        name TEXT NOT NULL,
        revision INTEGER NOT NULL,
        expires INTEGER,
        blob BLOB NOT NULL,
        UNIQUE (user, name)
    ) STRICT",
    "CREATE TABLE state (floor INTEGER NOT NULL) STRICT",
];

/// Returns the bytes of an empty database.
pub(crate) fn empty() -> Result<Vec<u8>> {
    let make = || {
        let mut database = Connection::open_in_memory()?;
        fill(&database)?;
        Ok(database.serialize("main")?.to_vec())
    };
    let mut bytes = make().map_err(|error| failed("create", error))?;
    // Read and write version 2: the database has a write-ahead log.
    bytes[18..20].fill(2);
    Ok(bytes)
}

pub(crate) fn fill(database: &Connection) -> rusqlite::Result<()> {
    for table in TABLES {
        database.execute(table, [])?;
    }
    database.execute("INSERT INTO state VALUES (0)", [])?;
    database.pragma_update(None, "application_id", APPLICATION_ID)?;
    database.pragma_update(None, "user_version", VERSION)
}

/// Refuses a database that this storage did not make.
///
/// A view in place of a table may never end, and a trigger may do anything.
pub(crate) fn check(database: &Connection) -> Result<()> {
    let failed = |error| failed("open", error);
    let version = pragma(database, "user_version").map_err(failed)?;
    if version > VERSION {
        return Err(Error::new(ErrorKind::Unsupported, "open")
            .because(format!("the database has version {version}, this program knows {VERSION}"))
            .hint("A newer Keyward made it; upgrade this one"));
    }
    if version < VERSION || statements(database).map_err(failed)? != TABLES {
        return Err(Error::corrupt("open").because("the database was not made by this program"));
    }
    Ok(())
}

/// Returns the statements that made the tables of the database.
fn statements(database: &Connection) -> rusqlite::Result<Vec<String>> {
    database
        .prepare("SELECT sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY rowid")?
        .query_map([], |row| row.get(0))?
        .collect()
}

pub(crate) fn pragma(database: &Connection, name: &str) -> rusqlite::Result<i32> {
    database.pragma_query_value(None, name, |row| row.get(0))
}
