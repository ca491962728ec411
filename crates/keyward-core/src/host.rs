use std::fmt::{Arguments, Debug};
use std::time::Duration;

use crate::{Result, Secret, SecretRef, Timestamp};

/// A backend's only access to anything outside itself.
///
/// The code that opens a backend implements it: the configuration for the program and for
/// applications, the test kit for tests.
pub trait Host: Debug + Send + Sync {
    /// Returns the secret that an option refers to, from the key source that the reference names.
    ///
    /// # Errors
    /// The key source's errors; [`Invalid`](crate::ErrorKind::Invalid) if there is no such source
    /// or if the source needs the secret that it is asked for.
    fn secret(&self, reference: &SecretRef) -> Result<Secret>;

    /// Asks the user at the terminal and returns the answer.
    ///
    /// # Errors
    /// [`Locked`](crate::ErrorKind::Locked) if there is no terminal.
    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret>;

    /// Returns an environment variable, if it is set.
    fn variable(&self, name: &str) -> Option<Secret>;

    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Writes a message to the log. The message must not contain a secret.
    fn log(&self, level: Level, message: Arguments<'_>);

    /// How long the caller will still wait; `None` if it waits for ever.
    fn remaining(&self) -> Option<Duration>;
}

/// A question that only the user can answer. The answer is not shown while it is typed.
#[derive(Clone, Copy, Debug)]
pub struct Prompt<'a> {
    /// What the prompt asks for, without a colon: `Passphrase of store work`.
    pub text: &'a str,
    /// Whether to ask twice and compare, because the user chooses a new secret.
    pub confirm: bool,
}

/// The severity of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is wrong, but the work goes on.
    Warning,
    /// What the backend does.
    Info,
    /// How the backend does it.
    Debug,
}
