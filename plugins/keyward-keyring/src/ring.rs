//! The supported keyrings, with the same few operations.

#[cfg(target_os = "linux")]
mod kernel;
#[cfg(any(target_os = "macos", windows))]
mod native;
#[cfg(target_os = "linux")]
mod secret_service;
mod through_core;

use std::fmt::Debug;
use std::sync::Arc;

use keyward_plugin::{Error, Host, Persistence, Result, Secret};

use crate::item::Address;

/// A keyring.
///
/// Its errors are those of `Storage`. A missing item is `NotFound` only if the keyring could be
/// queried.
pub(crate) trait Ring: Debug + Send + Sync {
    fn get(&self, address: &Address) -> Result<Secret>;

    /// Keeps a value in place of the previous one.
    fn set(&self, address: &Address, value: &[u8]) -> Result<()>;

    fn delete(&self, address: &Address) -> Result<()>;

    /// Lists the places of this store's items, in this keyring's own form.
    fn places(&self, store: &str) -> Result<Vec<String>>;

    /// Returns the value in one of these places.
    fn read(&self, place: &str) -> Result<Secret>;

    /// Removes the item in one of these places.
    fn remove(&self, place: &str) -> Result<()>;

    fn persistence(&self) -> Persistence;

    /// The largest value, in bytes.
    fn largest(&self) -> usize;
}

/// Opens the keyring that the option `service` selects. If it is missing, no other is tried.
#[cfg(target_os = "linux")]
pub(crate) fn open(
    service: &str,
    bus: Option<String>,
    host: &Arc<dyn Host>,
) -> Result<Box<dyn Ring>> {
    match service {
        "auto" | "secret-service" => {
            Ok(Box::new(secret_service::SecretServiceRing::new(bus, host)))
        }
        "keyutils" => Ok(Box::new(kernel::open()?)),
        _ => Err(unknown("auto, secret-service, keyutils")),
    }
}

/// Opens the keyring that the option `service` selects.
#[cfg(any(target_os = "macos", windows))]
pub(crate) fn open(service: &str, _: Option<String>, _: &Arc<dyn Host>) -> Result<Box<dyn Ring>> {
    match service {
        "auto" | "native" => Ok(Box::new(native::open()?)),
        _ => Err(unknown("auto, native")),
    }
}

fn unknown(known: &str) -> Error {
    Error::invalid("options", "`service` is not a keyring of this system")
        .hint(format!("Use one of: {known}"))
}
