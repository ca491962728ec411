//! The pipe to the host: calls to it, and what is sent to it.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use keyward_core::{Error, ErrorKind, Result, Secret};

use crate::calls::Calls;
use keyward_wire::cbor::Fields;
use keyward_wire::message;

/// The pipe to the host, and the calls that wait for the host's answer.
pub(super) struct Pipe {
    pub(super) calls: Calls<()>,
    output: Mutex<Box<dyn Write + Send>>,
}

impl Pipe {
    pub(super) fn new(output: Box<dyn Write + Send>) -> Self {
        Self { calls: Calls::default(), output: Mutex::new(output) }
    }

    /// Calls the host, for a backend that is doing a call.
    pub(super) fn ask(
        &self,
        name: &'static str,
        instance: u64,
        arguments: impl FnOnce(&mut Fields<'_>),
    ) -> Result<Secret> {
        let gone =
            || Error::new(ErrorKind::Unavailable, name).because("the host has closed its pipe");
        let (id, answer) = self.calls.start(()).map_err(|_| gone())?;
        let sent = message::call(Some(id), name, Some(instance), arguments)
            .and_then(|frame| self.send(&frame));
        if let Err(error) = sent {
            self.calls.cancel(id);
            return Err(error);
        }
        answer.recv().map_err(|_| gone())
    }

    /// Sends a message that has no answer.
    pub(super) fn notify(
        &self,
        name: &'static str,
        instance: u64,
        arguments: impl FnOnce(&mut Fields<'_>),
    ) {
        let _ = message::call(None, name, Some(instance), arguments)
            .and_then(|frame| self.send(&frame));
    }

    /// Sends a frame.
    pub(super) fn send(&self, frame: &Secret) -> Result<()> {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let written = output.write_all(frame.expose()).and_then(|()| output.flush());
        written.map_err(|error| Error::io("serve", error))
    }
}
