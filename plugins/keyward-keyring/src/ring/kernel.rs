//! The kernel's keyrings: the session's, and the user's persistent one if there is one.

use std::collections::HashMap;

use keyring_core::{CredentialStore, Error as CoreError};
use keyward_plugin::{Error, ErrorKind, Persistence, Result};
use linux_keyutils::KeyError;
use linux_keyutils_keyring_store::Store;

use super::through_core::CoreRing;
use crate::item::SERVICE;

/// The largest value: a key may have 32,767 bytes, but all keys of an ordinary user together only
/// 20,000.
const LARGEST: usize = 16 << 10;

pub(super) fn open() -> Result<CoreRing> {
    let store = Store::new_with_configuration(&HashMap::new())
        .map_err(|error| Error::new(ErrorKind::Unavailable, "open").caused_by(error))?;
    Ok(CoreRing { store, persistence: Persistence::Session, largest: LARGEST, users, explain })
}

/// Reads the descriptions of all keys that this process may see. Some may be keys of other
/// sessions, which a later read does not find.
///
/// `linux-keyutils` can enumerate too, but panics at another program's key with a long description.
fn users(_: &CredentialStore, prefix: &str) -> Result<Vec<String>> {
    let keys = std::fs::read("/proc/keys").map_err(|error| Error::io("list", error))?;
    if keys.is_empty() {
        return Err(Error::new(ErrorKind::Unavailable, "list")
            .because("this process cannot see the keys of its session"));
    }
    let keys = String::from_utf8_lossy(&keys);
    let mut users: Vec<_> = keys.lines().filter_map(|line| user(line, prefix)).collect();
    users.sort_unstable();
    users.dedup();
    Ok(users)
}

/// Returns the user in a line that ends in `keyring:USER@SERVICE: LENGTH`, if it begins with
/// `prefix`.
fn user(line: &str, prefix: &str) -> Option<String> {
    let (description, _) = line.rsplit_once(": ")?;
    let (_, name) = description.split_once(" keyring:")?;
    let user = name.strip_suffix(SERVICE)?.strip_suffix('@')?;
    user.starts_with(prefix).then(|| user.to_owned())
}

fn explain(error: &CoreError) -> Option<Error> {
    let (CoreError::PlatformFailure(cause) | CoreError::NoStorageAccess(cause)) = error else {
        return None;
    };
    match cause.downcast_ref()? {
        KeyError::QuotaExceeded => Some(
            Error::new(ErrorKind::Full, "put")
                .because("the kernel's limit on this user's keys is reached")
                .hint("See /proc/key-users; ordinary users have 200 keys and 20,000 bytes"),
        ),
        KeyError::AccessDenied | KeyError::PermissionDenied => Some(
            Error::new(ErrorKind::Unavailable, "open")
                .because("this process has no session keyring, or may not use it")
                .hint("Run it in one: keyctl session - COMMAND"),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_full_and_a_foreign_session_unavailable() {
        for (cause, kind) in [
            (KeyError::QuotaExceeded, ErrorKind::Full),
            (KeyError::AccessDenied, ErrorKind::Unavailable),
        ] {
            let error = explain(&CoreError::PlatformFailure(cause.into())).unwrap();
            assert_eq!(error.kind(), kind);
        }
        assert!(explain(&CoreError::PlatformFailure(KeyError::OutOfMemory.into())).is_none());
    }

    #[test]
    fn only_the_keys_of_the_store_are_listed() {
        let line = |name: &str| {
            format!("0eaf1f6e I--Q---     1 perm 3f010000     0     0 user      {name}")
        };
        assert_eq!(user(&line("keyring:ab:12@keyward: 30"), "ab:").as_deref(), Some("ab:12"));
        for other in [
            "keyring:cd:12@keyward: 30",
            "keyring:ab:12@keyward-key: 30",
            "keyring:ab:12@other: 30",
            "ab:12@keyward: 30",
            "keyring:ab:12@keyward",
        ] {
            assert_eq!(user(&line(other), "ab:"), None, "{other}");
        }
    }
}
