use std::fmt::{Arguments, Debug};
use std::time::Duration;

use crate::{Result, Secret, SecretRef, Timestamp};

/// A backend's only way to anything outside itself.
///
/// Whoever opens a backend implements it: the configuration for the program and for
/// applications, the test kit for tests.
pub trait Host: Debug + Send + Sync {
    /// The secret that an option refers to, asked of the key source it names.
    ///
    /// # Errors
    /// The key source's own; [`Invalid`](crate::ErrorKind::Invalid) if there is no such source
    /// or it needs the secret it is asked for.
    fn secret(&self, reference: &SecretRef) -> Result<Secret>;

    /// What somebody at the terminal answers.
    ///
    /// # Errors
    /// [`Locked`](crate::ErrorKind::Locked) if there is no terminal.
    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret>;

    /// An environment variable, if it is set.
    fn variable(&self, name: &str) -> Option<Secret>;

    /// The time now.
    fn now(&self) -> Timestamp;

    /// Tells whoever watches. The message must hold no secret.
    fn log(&self, level: Level, message: Arguments<'_>);

    /// How long the caller will still wait; `None` if for ever.
    fn remaining(&self) -> Option<Duration>;
}

/// A question that only a person can answer. The answer is not shown while it is typed.
#[derive(Clone, Copy, Debug)]
pub struct Prompt<'a> {
    /// What is asked for, without a colon: `Passphrase of store work`.
    pub text: &'a str,
    /// Whether to ask twice and compare, because a new secret is being chosen.
    pub confirm: bool,
}

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is wrong, though the work goes on.
    Warning,
    /// What is being done.
    Info,
    /// How it is being done.
    Debug,
}
