//! What a command needs to run.

use keyward::{Environment, Keyward, Program, Recipient};

use crate::console::Console;
use crate::stop::Outcome;

/// One run of the program.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) console: Console,
    /// Who gets the records that the command gives out.
    pub(crate) recipient: Recipient,
}

impl Session {
    /// Returns a run of this command, as in `helper git`. What it prints goes to the program that
    /// started this one.
    pub(crate) fn new(command: impl Into<String>, console: Console) -> Self {
        let recipient = Recipient { command: Some(command.into()), program: Program::Parent };
        Self { console, recipient }
    }

    /// Returns the same run, for a command that starts this program for what it gives out.
    pub(crate) fn giving_to(&self, program: String) -> Self {
        let program = Program::Named(program);
        Self { console: self.console, recipient: Recipient { program, ..self.recipient.clone() } }
    }

    /// Reads the configuration and finds the backends. Commands that need neither, such as `help`,
    /// do not call it.
    pub(crate) fn keyward(&self) -> Outcome<Keyward> {
        let keyward = Keyward::with(Environment::current(), self.console)?;
        Ok(keyward.giving_to(self.recipient.clone()))
    }
}
