//! Storage `redb`: one redb database for all entries, without a line of C.
//!
//! redb gives a database to one process at a time, so each operation opens it under a lock of
//! our own and closes it again: readers side by side, writers alone. What was deleted or
//! replaced stays in free pages of the file until they are used again.

mod error;
mod place;
mod redb;

use std::path::PathBuf;
use std::sync::Arc;

use keyward_plugin::{Backend, Error, Host, Info, Result, options};

pub use crate::redb::Redb;

keyward_plugin::register!(storage: Redb);

options! {
    /// Where the database lies.
    pub struct Options {
        /// The database file, alone in its folder; made when it is first written to.
        pub path: PathBuf = "%data%/stores/%id%/store.redb",
    }
}

impl Backend for Redb {
    const INFO: Info = Info::new("redb", "One redb database for all entries, in Rust alone");
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
keyward_testkit::storage_suite!(Redb, |scratch| {
    keyward_plugin::Values::new()
        .with("path", keyward_plugin::Value::Text(scratch.path("store/store.redb")))
});
