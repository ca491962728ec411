use std::fmt::{Arguments, Debug};
use std::sync::Arc;
use std::time::Duration;

use crate::{Error, ErrorKind, Loaded, Network, Result, Secret, SecretRef, Source, Timestamp};

/// A backend's only access to anything outside itself.
///
/// The code that opens a backend implements it: the configuration for the program and for
/// applications, the test kit for tests.
pub trait Host: Debug + Send + Sync {
    /// Returns the secret that an option refers to, from the key source that the reference names.
    ///
    /// The host does not keep the secret, and its key source may be slow or prompt the user. So a
    /// backend requests a secret once, when it first needs it. It requests the secret again when
    /// the secret has [expired](Loaded::expires), and after its service answered
    /// [`Unauthorized`](crate::ErrorKind::Unauthorized), because the secret may have been replaced.
    ///
    /// # Errors
    /// - [`NoKey`](crate::ErrorKind::NoKey): there is no such secret.
    /// - [`Invalid`](crate::ErrorKind::Invalid): there is no such key source, or the source needs
    ///   the secret that it should return.
    /// - The other errors of the key source.
    fn secret(&self, reference: &SecretRef) -> Result<Loaded>;

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

    /// Returns which certificates TLS trusts, and which proxies to use. A backend requests this
    /// each time it opens a connection, because the answer may change.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for a setting that is not valid;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) from a host that does not know.
    fn network(&self) -> Result<Network> {
        Err(Error::new(ErrorKind::Unsupported, "network"))
    }

    /// Opens the store that an option of the type [`Store`](crate::OptionType::Store) names.
    ///
    /// # Errors
    /// - [`Invalid`](ErrorKind::Invalid): there is no such store, or the store of this backend is
    ///   needed, directly or through others, by the store that it requests.
    /// - [`Refused`](ErrorKind::Refused): the backend is a plugin, and none of its options names
    ///   the store. A plugin may get this error, and those of opening the store, only when it uses
    ///   the source.
    /// - [`Unsupported`](ErrorKind::Unsupported): the host has no stores.
    /// - The errors of opening the store. They are never a miss.
    fn source(&self, _store: &str) -> Result<Arc<dyn Source>> {
        Err(Error::new(ErrorKind::Unsupported, "source").because("the host has no stores"))
    }
}

/// A question that only the user can answer. The answer is not shown while it is typed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Prompt<'a> {
    /// What the prompt asks for, without a colon: `Passphrase of store work`.
    pub text: &'a str,
    /// Whether to ask twice and compare, because the user chooses a new secret.
    pub confirm: bool,
}

impl<'a> Prompt<'a> {
    /// Makes a question that is asked once.
    pub const fn new(text: &'a str) -> Self {
        Self { text, confirm: false }
    }

    /// Makes the same question, to be asked twice if `confirm` is true.
    #[must_use]
    pub const fn with_confirm(self, confirm: bool) -> Self {
        Self { confirm, ..self }
    }
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
