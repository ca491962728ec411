//! Backends that run: a program in any language beside this one, spoken to over its standard input
//! and output.
//!
//! `docs/plugin-protocol.md` says how. There is one child for a program, however many of its
//! backends are opened and however many threads use them.

mod child;
mod client;
mod confined;
mod hosts;
mod instance;
mod roles;
mod running;
mod storage;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{Registration, Result, Secret};

use crate::verify::Program;

/// How long a program may take for an answer, unless the [`Command`] says otherwise.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How a program that brings backends is started.
///
/// It gets no environment but what is given here, `/` as its working directory, and no file
/// descriptor but the three standard ones. It stands in a process group of its own, and dies with
/// this process; what it has started in turn goes with it where this one calls [`finish`].
///
/// # Examples
/// ```no_run
/// use keyward_loader::process::{Command, run};
///
/// let command = Command::new("/usr/lib/keyward/folder.py").variable("LANG", "C.UTF-8");
/// for registration in run(&command)? {
///     println!("{} {}", registration.role(), registration.info.name);
/// }
/// # Ok::<(), keyward_core::Error>(())
/// ```
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
    /// The program in this file, an absolute path. Whether it may be trusted is the caller's
    /// judgement.
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

    /// A program that was [verified](crate::verify_program): what runs is what was verified.
    pub fn verified(program: Program) -> Self {
        Self { path: program.path().to_owned(), verified: Some(Arc::new(program)), ..Self::new("") }
    }

    /// Hands it one argument more.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Lets it see one variable.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Ends it when it takes longer than this for an answer; 30 seconds unless said otherwise.
    ///
    /// Time in which somebody is asked for a secret does not count.
    #[must_use]
    pub fn call_timeout(mut self, call_timeout: Duration) -> Self {
        self.call_timeout = call_timeout;
        self
    }

    /// Calls it so, in errors and in what is passed on of what it says, where its path would tell
    /// nobody what it is about.
    #[must_use]
    pub fn called(mut self, name: impl Into<String>) -> Self {
        self.called = Some(name.into());
        self
    }

    /// What it is called: its path, unless it was said otherwise.
    fn name(&self) -> String {
        self.called.clone().unwrap_or_else(|| self.path.display().to_string())
    }

    /// The program's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sees to it that what is started again is what was verified.
    fn verify_again(&self) -> Result<()> {
        self.verified.as_ref().map_or(Ok(()), |program| program.verify_again())
    }

    /// What to execute.
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

/// Starts a program, unless it runs already, and gives the backends that it brings.
///
/// It runs until this process ends or [`finish`] is called. When it dies, what was opened fails
/// from then on; what is opened afresh starts it again, a few times.
///
/// # Errors
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): it does not start, or does not say
///   within ten seconds what it brings.
/// - [`Refused`](keyward_core::ErrorKind::Refused): it speaks another version of the protocol.
/// - [`Invalid`](keyward_core::ErrorKind::Invalid): the path is not absolute.
///
/// # Security
/// The program has the rights of whoever runs
/// this one, and sees what its backends are given: for a storage sealed blobs, for a serializer
/// records.
pub fn run(command: &Command) -> Result<Vec<Registration>> {
    running::run(command)
}

/// Ends every program that runs: they are told, have a second to go, and are killed then, each with its
/// process group.
///
/// A program that ends without this kills them at once, which is no harm as long as no call is under
/// way and they have started nothing themselves.
pub fn finish() {
    running::finish();
}

#[cfg(test)]
mod tests;
