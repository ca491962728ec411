//! The users of a system store, and their folders.

use std::path::PathBuf;

use keyward_config::{Account, Config, StoreFile, account_of_name, account_of_uid};
use keyward_core::{Error, Result};

/// Returns the account whose folder is used: that of the named user, or of the user who runs the
/// program.
pub(crate) fn account(user: Option<&str>) -> Result<Account> {
    match user {
        None => Ok(account_of_uid(rustix::process::geteuid().as_raw())),
        Some(name) => account_of_name(name).ok_or_else(|| {
            Error::invalid(
                "open",
                format!("there is no user `{}` on this machine", name.escape_debug()),
            )
        }),
    }
}

/// Returns the users in a central store: all of them for root, and only the caller for other users.
pub(crate) fn enrolled(config: &Config, file: &StoreFile) -> Result<Vec<Account>> {
    if !is_root() {
        return Ok(vec![account(None)?]);
    }
    let mut accounts = Vec::new();
    let base = data(config, file);
    let entries = match std::fs::read_dir(&base) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(accounts),
        Err(error) => return Err(Error::io("list", error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| Error::io("list", error))?;
        if let Some(uid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            accounts.push(account_of_uid(uid));
        }
    }
    accounts.sort_by_key(|account| account.uid);
    Ok(accounts)
}

/// Returns the folder with the users' entries.
pub(crate) fn data(config: &Config, file: &StoreFile) -> PathBuf {
    config.places().system_data.join(keyward_core::escape(file.name.as_str()))
}

/// Whether the program runs as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
