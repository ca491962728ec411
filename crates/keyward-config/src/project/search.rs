use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use keyward_core::{Error, Result, printable};

use super::FILE;
use crate::config::Config;

impl Config {
    /// Returns the folder of the project that contains the folder `from`, without symbolic links in
    /// its path. It reads no file.
    ///
    /// The search goes upwards to the first folder with a `.keyward.toml`. It ends with a folder
    /// that contains `.git` (a file or a folder), with the home folder, and with a folder that
    /// belongs to another user than this process's or root.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there is no folder `from`;
    /// [`Unavailable`](keyward_core::ErrorKind::Unavailable) or
    /// [`Refused`](keyward_core::ErrorKind::Refused) if the system cannot find it.
    pub fn find_project(&self, from: &Path) -> Result<Option<PathBuf>> {
        let from = from.canonicalize().map_err(|error| {
            let why = format!("{}: {error}", printable(&from.display().to_string()));
            match error.kind() {
                io::ErrorKind::NotFound => Error::invalid("open", why),
                _ => Error::io("open", error).because(why),
            }
        })?;
        let home = self.places().home.canonicalize().ok();
        for folder in from.ancestors() {
            if exists(&folder.join(FILE)) {
                return Ok(Some(folder.to_owned()));
            }
            let ends = exists(&folder.join(".git")) || home.as_deref() == Some(folder);
            if ends || !is_own_or_roots(folder) {
                break;
            }
        }
        Ok(None)
    }
}

/// Whether there is anything of this name, even a dangling symbolic link.
fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn is_own_or_roots(folder: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    folder.symlink_metadata().is_ok_and(|found| [0, own].contains(&found.uid()))
}
