//! Storage `file`: one file per entry. The default.
//!
//! The root folder contains a folder for each user, and that contains a file for each entry. Both
//! have names that [`keyward_plugin::escape`] writes. A write replaces the whole file: it writes to
//! `.tmp`, flushes to the disk and renames. A lock in `.locks` serializes the writers of one entry.
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
    /// Where the files are stored.
    pub struct Options {
        /// The folder that contains the store's files; created by the first write.
        pub root: PathBuf = "%data%/stores/%id%",
        /// The user id of the folder's owner, if an administrator makes it for a user.
        pub owner: Option<u64>,
    }
}

impl Backend for File {
    const INFO: Info = Info::new("file", "One file per entry, replaced atomically and durably");
    const PER_USER: Option<&'static str> = Some("root");
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        if !options.root.is_absolute() || options.root.parent().is_none() {
            return Err(Error::invalid("options", "`root` must be the absolute path of a folder"));
        }
        let owner = options.owner.map(u32::try_from).transpose();
        let owner = owner.map_err(|_| Error::invalid("options", "`owner` is not a user id"))?;
        Ok(Self::new(options.root, owner, host))
    }
}

#[cfg(test)]
keyward_testkit::storage_suite!(File, |scratch| {
    keyward_plugin::Values::new().with("root", keyward_plugin::Value::Text(scratch.path("store")))
});
