//! Storage `redb`: one redb database for all entries, without any C code.
//!
//! redb gives a database to only one process at a time. So each operation opens the database under
//! one of Keyward's locks and closes it again: several readers at the same time, or one writer.
//! Deleted and replaced blobs remain in free pages of the file until these are reused.

mod error;
mod place;
mod redb;

use std::path::PathBuf;
use std::sync::Arc;

use keyward_plugin::{Backend, Error, Host, Info, Result, options};

pub use crate::redb::Redb;

keyward_plugin::register!(storage: Redb);

options! {
    /// Where the database is.
    pub struct Options {
        /// The database file, the only file in its folder; created by the first write.
        pub path: PathBuf = "%data%/stores/%id%/store.redb",
    }
}

impl Backend for Redb {
    const INFO: Info = Info::new("redb", "One redb database for all entries, written in Rust");
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
keyward_testkit::storage_suite!(Redb, |scratch| {
    keyward_plugin::Values::new()
        .with("path", keyward_plugin::Value::Text(scratch.path("store/store.redb")))
});
