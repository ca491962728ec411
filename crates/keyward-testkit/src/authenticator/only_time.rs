use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward_core::{
    Host, Level, Loaded, Network, Prompt, Result, Secret, SecretRef, Source, Timestamp,
};

use crate::TestHost;

/// A host that remembers what it was asked for besides the time.
pub(super) struct OnlyTime {
    host: TestHost,
    asked: Mutex<Vec<&'static str>>,
}

impl OnlyTime {
    pub(super) fn new() -> Self {
        Self { host: TestHost::new(), asked: Mutex::default() }
    }

    /// Returns what it was asked for.
    pub(super) fn asked_for(&self) -> Vec<&'static str> {
        self.asked.lock().unwrap().clone()
    }

    fn asked(&self, what: &'static str) {
        self.asked.lock().unwrap().push(what);
    }
}

impl fmt::Debug for OnlyTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnlyTime")
    }
}

impl Host for OnlyTime {
    fn secret(&self, reference: &SecretRef) -> Result<Loaded> {
        self.asked("a secret");
        Host::secret(&self.host, reference)
    }

    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret> {
        self.asked("an answer");
        Host::prompt(&self.host, prompt)
    }

    fn variable(&self, _: &str) -> Option<Secret> {
        self.asked("a variable");
        None
    }

    fn now(&self) -> Timestamp {
        Host::now(&self.host)
    }

    fn log(&self, level: Level, message: fmt::Arguments<'_>) {
        Host::log(&self.host, level, message);
    }

    fn remaining(&self) -> Option<Duration> {
        None
    }

    fn network(&self) -> Result<Network> {
        self.asked("the network");
        Host::network(&self.host)
    }

    fn source(&self, store: &str) -> Result<Arc<dyn Source>> {
        self.asked("a store");
        Host::source(&self.host, store)
    }
}
