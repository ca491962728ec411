//! Keyrings that are reached through `keyring-core`.

use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Error as CoreError};
use keyward_plugin::{Error, ErrorKind, Persistence, Result, Secret};

use super::Ring;
use crate::item::{Address, SERVICE};

/// A keyring that `keyring-core` has a store for. A place in it is an item's user.
#[derive(Debug)]
pub(crate) struct CoreRing {
    pub(super) store: Arc<CredentialStore>,
    pub(super) persistence: Persistence,
    pub(super) largest: usize,
    /// Lists the users of all items whose user begins with the prefix.
    pub(super) users: fn(&CredentialStore, prefix: &str) -> Result<Vec<String>>,
    /// Converts the errors of this system.
    pub(super) explain: fn(&CoreError) -> Option<Error>,
}

impl CoreRing {
    fn entry(&self, service: &str, user: &str) -> Result<Entry> {
        self.store.build(service, user, None).map_err(|error| self.failed("open", error))
    }

    fn failed(&self, operation: &'static str, error: CoreError) -> Error {
        if let Some(explained) = (self.explain)(&error) {
            return explained;
        }
        match error {
            CoreError::NoEntry => Error::not_found(operation),
            CoreError::TooLong(..) => Error::new(ErrorKind::Unsupported, operation)
                .because("this is larger than the keyring allows"),
            CoreError::NoStorageAccess(cause) => Error::new(ErrorKind::Unavailable, operation)
                .because("the keyring cannot be reached")
                .caused_by(cause),
            CoreError::PlatformFailure(cause) => Error::new(ErrorKind::Unavailable, operation)
                .because("the keyring failed")
                .caused_by(cause),
            // The other errors may contain data that could not be decoded, which is secret.
            _ => Error::new(ErrorKind::Other, operation).because("the keyring refused"),
        }
    }
}

impl Ring for CoreRing {
    fn get(&self, address: &Address) -> Result<Secret> {
        let entry = self.entry(&address.service, &address.user)?;
        entry.get_secret().map(Secret::new).map_err(|error| self.failed("get", error))
    }

    fn set(&self, address: &Address, value: &[u8]) -> Result<()> {
        let entry = self.entry(&address.service, &address.user)?;
        entry.set_secret(value).map_err(|error| self.failed("put", error))
    }

    fn delete(&self, address: &Address) -> Result<()> {
        let entry = self.entry(&address.service, &address.user)?;
        entry.delete_credential().map_err(|error| self.failed("delete", error))
    }

    fn places(&self, store: &str) -> Result<Vec<String>> {
        (self.users)(&*self.store, &format!("{store}:"))
    }

    fn read(&self, place: &str) -> Result<Secret> {
        self.get(&address(place))
    }

    fn remove(&self, place: &str) -> Result<()> {
        self.delete(&address(place))
    }

    fn persistence(&self) -> Persistence {
        self.persistence
    }

    fn largest(&self) -> usize {
        self.largest
    }
}

fn address(place: &str) -> Address {
    Address { service: SERVICE.to_owned(), user: place.to_owned(), store: None }
}
