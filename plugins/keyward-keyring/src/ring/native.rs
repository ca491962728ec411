//! The keychain of macOS and the credential manager of Windows.

use std::collections::HashMap;

use keyring_core::{CredentialStore, Error as CoreError};
use keyward_plugin::{Error, ErrorKind, Persistence, Result};

use super::through_core::CoreRing;
use crate::item::SERVICE;

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
#[cfg(windows)]
use windows_native_keyring_store::Store;

/// The largest value: on macOS a limit of Keyward, on Windows the system's.
const LARGEST: usize = if cfg!(windows) { 2560 } else { 1 << 20 };

pub(super) fn open() -> Result<CoreRing> {
    let store = Store::new_with_configuration(&HashMap::new()).map_err(unavailable)?;
    Ok(CoreRing {
        store,
        persistence: Persistence::Durable,
        largest: LARGEST,
        users,
        explain: |_| None,
    })
}

fn users(store: &CredentialStore, prefix: &str) -> Result<Vec<String>> {
    #[cfg(target_os = "macos")]
    let wanted = HashMap::from([("service", SERVICE)]);
    #[cfg(windows)]
    let wanted = HashMap::from([("pattern", r"\.keyward$")]);
    let found = store.search(&wanted).map_err(unavailable)?;
    let mut users: Vec<_> = found
        .iter()
        .filter_map(|entry| entry.get_specifiers())
        .filter(|(service, user)| service == SERVICE && user.starts_with(prefix))
        .map(|(_, user)| user)
        .collect();
    users.sort_unstable();
    Ok(users)
}

fn unavailable(error: CoreError) -> Error {
    Error::new(ErrorKind::Unavailable, "open").caused_by(error)
}
