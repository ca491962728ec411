use std::fmt;
use std::time::Duration;

use keyward_plugin::{
    Error, ErrorKind, Host, Level, Loaded, Prompt, Result, Secret, SecretRef, Timestamp,
};

/// The host of an authenticator that comes with Keyward. It offers nothing but the time, because such
/// an authenticator gets everything else with each step.
#[derive(Debug)]
pub(crate) struct NoHost;

impl Host for NoHost {
    fn secret(&self, _: &SecretRef) -> Result<Loaded> {
        Err(Error::new(ErrorKind::Unsupported, "secret"))
    }

    fn prompt(&self, _: &Prompt<'_>) -> Result<Secret> {
        Err(Error::new(ErrorKind::Locked, "prompt"))
    }

    fn variable(&self, _: &str) -> Option<Secret> {
        None
    }

    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that others ask")]
        Timestamp::from(std::time::SystemTime::now())
    }

    fn log(&self, _: Level, _: fmt::Arguments<'_>) {}

    fn remaining(&self) -> Option<Duration> {
        None
    }
}
