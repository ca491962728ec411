//! Storage `sqlite`: one SQLite database for all entries.
//!
//! Many processes may use it at once; its log (WAL) is flushed to the disk before a change
//! counts as made. Deleted blobs are overwritten in the database and dropped from the log; a
//! replaced blob stays in the log until the last process closes the database.
//!
//! A database on a read-only disk, or in a folder that cannot be written, is read; a log with
//! changes must have been played in before.

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
    /// Where the database lies.
    pub struct Options {
        /// The database file, alone in its folder; made when it is first written to.
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
        Ok(Self::at(path, host))
    }
}

#[cfg(test)]
keyward_testkit::storage_suite!(Sqlite, |scratch| {
    keyward_plugin::Values::new()
        .with("path", keyward_plugin::Value::Text(scratch.path("store/store.db")))
});
