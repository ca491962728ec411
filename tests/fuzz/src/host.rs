use std::fmt::Arguments;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{
    Error, ErrorKind, Host, Level, Loaded, Prompt, Result, Secret, SecretRef, Timestamp,
};

/// A host with at most one secret. It keeps nothing from run to run.
#[derive(Debug)]
pub(crate) struct Answers(Option<Secret>);

impl Answers {
    /// Makes a host that returns this secret for every reference.
    pub(crate) fn all_with(secret: impl Into<Secret>) -> Arc<dyn Host> {
        Arc::new(Self(Some(secret.into())))
    }

    /// Makes a host without a secret.
    pub(crate) fn none() -> Arc<dyn Host> {
        Arc::new(Self(None))
    }
}

impl Host for Answers {
    fn secret(&self, _: &SecretRef) -> Result<Loaded> {
        self.0.clone().map(Loaded::from).ok_or_else(|| Error::new(ErrorKind::Locked, "secret"))
    }

    fn prompt(&self, _: &Prompt<'_>) -> Result<Secret> {
        Err(Error::new(ErrorKind::Locked, "prompt"))
    }

    fn variable(&self, _: &str) -> Option<Secret> {
        None
    }

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn log(&self, _: Level, _: Arguments<'_>) {}

    fn remaining(&self) -> Option<Duration> {
        None
    }
}
