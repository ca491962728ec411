//! Backends in separate processes: programs in any language, with which this process communicates
//! over their standard input and output.
//!
//! `docs/plugin-protocol.md` specifies the protocol. [`Programs`] owns the children.

mod child;
pub(crate) mod client;
mod hosts;
pub(crate) mod instance;
mod programs;
mod restricted_host;
pub(crate) mod running;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{Result, Secret};

use crate::program::Program;

pub use programs::Programs;

/// The time limit for an answer, unless the [`Command`] sets another one or the operation has its
/// own.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How to start a program that provides backends.
///
/// It gets only the environment that is set here, `/` as its working directory, and only the three
/// standard file descriptors. It has a separate process group, and is killed when this process
/// ends. The processes that it has started are only killed by [`Programs::finish`].
#[derive(Clone)]
pub struct Command {
    path: PathBuf,
    verified: Option<Arc<Program>>,
    arguments: Vec<String>,
    environment: Vec<(String, Secret)>,
    call_timeout: Duration,
    called: Option<String>,
}

impl Command {
    /// Starts the program in this file, an absolute path. The caller decides whether to trust it.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            verified: None,
            arguments: Vec::new(),
            environment: Vec::new(),
            call_timeout: CALL_TIMEOUT,
            called: None,
        }
    }

    /// Starts a program that was [verified](crate::verify_program): exactly the verified file runs.
    pub fn verified(program: Program) -> Self {
        Self { path: program.path().to_owned(), verified: Some(Arc::new(program)), ..Self::new("") }
    }

    /// Adds an argument.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds a variable to its environment.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Sets the time limit for an answer, after which it is killed; the default is 30 seconds.
    ///
    /// If the caller has a deadline ([`Host::remaining`](keyward_core::Host::remaining)), the limit
    /// is that deadline, and afterwards only the caller gives up. The time of a prompt for a secret
    /// does not count.
    #[must_use]
    pub fn call_timeout(mut self, call_timeout: Duration) -> Self {
        self.call_timeout = call_timeout;
        self
    }

    /// Sets its name for errors and for its messages, if its path would not be clear to the user.
    #[must_use]
    pub fn called(mut self, name: impl Into<String>) -> Self {
        self.called = Some(name.into());
        self
    }

    /// Returns its name: its path, unless another name was set.
    fn name(&self) -> String {
        self.called.clone().unwrap_or_else(|| self.path.display().to_string())
    }

    /// Returns the file of the program.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that a restarted program is the one that was verified.
    fn verify_again(&self) -> Result<()> {
        self.verified.as_ref().map_or(Ok(()), |program| program.verify_again())
    }

    /// Returns what to execute.
    fn executable(&self) -> &Path {
        self.verified.as_ref().map_or(&self.path, |program| program.executable())
    }
}

/// Two are equal if they start the same file, verified as the same, in the same way.
impl PartialEq for Command {
    fn eq(&self, other: &Self) -> bool {
        let parts = |command: &Self| {
            (command.path.clone(), command.arguments.clone(), command.call_timeout)
        };
        let digest =
            |command: &Self| command.verified.as_ref().and_then(|program| program.digest());
        parts(self) == parts(other)
            && digest(self) == digest(other)
            && self.environment == other.environment
    }
}

/// Shows the names of the variables, not what is in them.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.environment.iter().map(|(name, _)| name).collect();
        f.debug_struct("Command")
            .field("path", &self.path)
            .field("arguments", &self.arguments)
            .field("environment", &names)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
