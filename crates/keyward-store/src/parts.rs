//! The parts from which a store is assembled.

use std::fmt;
use std::sync::Arc;

use keyward_core::{Encryption, Error, Host, Key, Serializer, Storage, StoreId};

/// A backend and the name by which it was requested.
pub struct Named<T> {
    /// The name in envelopes and errors.
    pub name: String,
    /// The backend.
    pub backend: T,
}

impl<T> Named<T> {
    /// Makes a backend with this name.
    pub fn new(name: impl Into<String>, backend: T) -> Self {
        Self { name: name.into(), backend }
    }

    /// Returns the error of a call that looks up no entry: it names the backend and is never a
    /// miss.
    pub(crate) fn failed(&self, error: Error) -> Error {
        error.not_a_miss().in_backend(&self.name)
    }
}

impl<T> fmt::Debug for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The parts of a store.
#[derive(Debug)]
pub struct Parts {
    /// The id of the store, which does not depend on its name.
    pub id: StoreId,
    /// The backend that turns records into bytes.
    pub serializer: Named<Box<dyn Serializer>>,
    /// The backend that turns bytes into blobs.
    pub encryption: Named<Box<dyn Encryption>>,
    /// The backend that keeps the blobs.
    pub storage: Named<Box<dyn Storage>>,
    /// The key source that wraps the keyset, for encryptions that use the store's keys.
    pub key: Option<Named<Box<dyn Key>>>,
    /// Whether blobs are in envelopes. Without envelopes, other programs can read the blobs, and
    /// nothing binds a blob to its entry.
    pub envelope: bool,
    /// The host, through which backends reach everything outside.
    pub host: Arc<dyn Host>,
}
