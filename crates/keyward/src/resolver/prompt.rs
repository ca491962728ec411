//! Where the processes of a user meet that need the same answer.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use keyward_config::Config;

/// Returns the folder: in the one for the files of running programs if it is this user's, else in
/// that for state. `None` if neither belongs to this user, as after `sudo`.
pub(super) fn folder(config: &Config) -> Option<PathBuf> {
    let state = || config.places().check_owner().is_ok().then(|| config.places().state.clone());
    let running = config.environment().path("XDG_RUNTIME_DIR").filter(|path| is_own(path));
    let folder = running.map(|folder| folder.join("keyward")).or_else(state)?;
    Some(folder.join("prompts"))
}

fn is_own(folder: &Path) -> bool {
    let uid = rustix::process::geteuid().as_raw();
    folder.metadata().is_ok_and(|found| found.uid() == uid)
}
