//! An opened backend of a child.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{Error, Host, Result};

use super::client::{Client, Wait};
use crate::errors::accept_kind;
use keyward_wire::cbor::{Fields, Malformed, Map};

/// The time limit for closing an instance, which is short because the caller gets nothing for it.
pub(super) const CLOSE: Duration = Duration::from_secs(5);

/// Calls for which the caller waits even if its time is over, because what they create would be
/// left behind.
const WHOLE: [&str; 2] = ["open", "unlock"];

/// An opened backend of a child. When this is dropped, the backend is closed.
pub(crate) struct Instance {
    client: Arc<Client>,
    number: u64,
    name: &'static str,
    host: Arc<dyn Host>,
}

impl Instance {
    /// Makes an instance for a backend that is about to be opened.
    pub(super) fn new(client: Arc<Client>, name: &'static str, host: Arc<dyn Host>) -> Self {
        let number = client.hosts().add(&host);
        Self { client, number, name, host }
    }

    /// Calls the backend.
    ///
    /// # Errors
    /// The errors of the backend; [`Unavailable`](keyward_core::ErrorKind::Unavailable) if there is
    /// no answer, or one that is not valid.
    pub(crate) fn call<T>(
        &self,
        name: &'static str,
        arguments: impl FnOnce(&mut Fields<'_>),
        read: impl FnOnce(&Map<'_>) -> Result<T, Malformed>,
    ) -> Result<T> {
        let wait = if WHOLE.contains(&name) {
            Wait::Whole(&*self.host, Duration::ZERO)
        } else {
            Wait::Usual(&*self.host)
        };
        self.call_within(name, wait, arguments, read)
    }

    /// Calls the backend, which may need this much longer than for other calls. The caller waits
    /// even if its time is over.
    pub(crate) fn call_longer<T>(
        &self,
        name: &'static str,
        longer: Duration,
        arguments: impl FnOnce(&mut Fields<'_>),
        read: impl FnOnce(&Map<'_>) -> Result<T, Malformed>,
    ) -> Result<T> {
        self.call_within(name, Wait::Whole(&*self.host, longer), arguments, read)
    }

    fn call_within<T>(
        &self,
        name: &'static str,
        wait: Wait<'_>,
        arguments: impl FnOnce(&mut Fields<'_>),
        read: impl FnOnce(&Map<'_>) -> Result<T, Malformed>,
    ) -> Result<T> {
        let named = |error: keyward_core::Error| error.in_backend(self.name);
        let answer = self.client.call(name, Some(self.number), wait, arguments).map_err(named)?;
        let outcome = self.client.outcome(&answer, name).map_err(named)?;
        let fields = outcome.map_err(|error| accept_kind(name, error))?;
        read(&fields).map_err(|what| named(self.client.protocol_error(name, what.0)))
    }
}

impl Instance {
    /// Returns an error of one entry in an answer as that of a call of `get`.
    pub(crate) fn entry_error(&self, error: Error) -> Error {
        accept_kind("get", error).in_backend(self.name)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // If this fails, there is nothing left to close.
        if !self.client.is_over() {
            let _ = self.call_within("close", Wait::AtMost(CLOSE), |_| {}, nothing);
        }
        self.client.hosts().remove(self.number);
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("backend", &self.name).finish_non_exhaustive()
    }
}

/// Reads an empty answer.
pub(crate) fn nothing(_: &Map<'_>) -> Result<(), Malformed> {
    Ok(())
}
