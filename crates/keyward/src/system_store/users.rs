//! The users of a system store, and their folders.

use std::path::PathBuf;

use keyward_config::{Config, OsUser, StoreFile, user_of_name, user_of_uid};
use keyward_core::{Error, Result, printable};

/// Returns the user of this name, or the one who runs the program.
pub(crate) fn find(user: Option<&str>) -> Result<OsUser> {
    match user {
        None => Ok(user_of_uid(rustix::process::geteuid().as_raw())),
        Some(name) => user_of_name(name).ok_or_else(|| {
            Error::invalid(
                "open",
                format!("there is no user `{}` on this machine", printable(name)),
            )
        }),
    }
}

/// Returns the users of a system store: all of them for root, and only the caller for other users.
pub(crate) fn enrolled(config: &Config, file: &StoreFile) -> Result<Vec<OsUser>> {
    if !is_root() {
        return Ok(vec![find(None)?]);
    }
    let mut users = Vec::new();
    let base = data_folder(config, file);
    let entries = match std::fs::read_dir(&base) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(users),
        Err(error) => return Err(Error::io("list", error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| Error::io("list", error))?;
        if let Some(uid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            users.push(user_of_uid(uid));
        }
    }
    users.sort_by_key(|user| user.uid);
    Ok(users)
}

/// Returns the folder with the users' entries.
pub(crate) fn data_folder(config: &Config, file: &StoreFile) -> PathBuf {
    config.places().system_data.join(keyward_core::escape(file.name.as_str()))
}

/// Whether the program runs as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
