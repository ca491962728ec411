//! Storage `file`: one file per entry. The default.
//!
//! Below the root folder each user has a folder, and in it each entry a file, both under their
//! names as [`keyward_plugin::escape`] writes them. Files are replaced whole: written to `.tmp`,
//! flushed to the disk, renamed. Writers of one entry take turns by a lock in `.locks`.
//! A revision is the SHA-256 of the blob.

mod file;
mod layout;
mod walk;

use std::path::PathBuf;
use std::sync::Arc;

use keyward_plugin::{Backend, Error, Host, Info, Result, options};

pub use file::File;

keyward_plugin::register!(storage: File);

options! {
    /// Where the files lie.
    pub struct Options {
        /// The folder that holds the store's files; made when it is first written to.
        pub root: PathBuf = "%data%/stores/%id%",
        /// The user id that the folder belongs to, where an administrator acts for users.
        pub owner: Option<u64>,
    }
}

impl Backend for File {
    const INFO: Info = Info::new("file", "One file per entry, replaced atomically and durably");
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        if !options.root.is_absolute() || options.root.parent().is_none() {
            return Err(Error::invalid("options", "`root` must be the absolute path of a folder"));
        }
        let owner = options.owner.map(u32::try_from).transpose();
        let owner = owner.map_err(|_| Error::invalid("options", "`owner` is no user id"))?;
        Ok(Self::at(options.root, owner, host))
    }
}

#[cfg(test)]
keyward_testkit::storage_suite!(File, |scratch| {
    keyward_plugin::Values::new().with("root", keyward_plugin::Value::Text(scratch.path("store")))
});
