//! What a command needs to run.

use keyward::{Environment, Keyward};

use crate::console::Console;
use crate::stop::Outcome;

/// One run of the program.
pub(crate) struct Session {
    pub(crate) console: Console,
}

impl Session {
    /// Reads the configuration and finds the backends. Commands that need neither, such as `help`,
    /// do not call it.
    pub(crate) fn keyward(&self) -> Outcome<Keyward> {
        Ok(Keyward::with(Environment::current(), self.console)?)
    }
}
