//! Storage `sqlite`: one SQLite database for all entries.
//!
//! Several processes may use it at the same time. SQLite flushes its log (WAL) to the disk before a
//! change counts as made. Deleted blobs are overwritten in the database and removed from the log; a
//! replaced blob stays in the log until the last process closes the database.
//!
//! A database on a read-only disk, or in a folder that cannot be written to, can be read. If its
//! log contains changes, they must be applied first.

mod database;
mod entries;
mod error;
mod schema;
mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;

use keyward_plugin::{Backend, Error, Host, Info, Result, options};

pub use sqlite::Sqlite;

keyward_plugin::register!(storage: Sqlite);

options! {
    /// Where the database is stored.
    pub struct Options {
        /// The database file, the only file in its folder; created by the first write.
        pub path: PathBuf = "%data%/stores/%id%/store.db",
    }
}

impl Backend for Sqlite {
    const INFO: Info = Info::new("sqlite", "One SQLite database for all entries");
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        let path = options.path;
        if !path.is_absolute() || path.file_name().is_none_or(|name| name.to_str().is_none()) {
            return Err(Error::invalid("options", "`path` must be the absolute path of a file"));
        }
        Ok(Self::new(path, host))
    }
}

#[cfg(test)]
keyward_testkit::storage_suite!(Sqlite, |scratch| {
    keyward_plugin::Values::new()
        .with("path", keyward_plugin::Value::Text(scratch.path("store/store.db")))
});
