use std::collections::{BTreeMap, VecDeque};
use std::fmt::Arguments;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use keyward_core::{
    Error, ErrorKind, Host, Level, Loaded, Network, Prompt, Result, Secret, SecretRef, Source,
    Timestamp,
};

use crate::{Client, Server};

/// A host that returns what a test gave it, and remembers what it returned and what was logged.
///
/// Its clock does not move unless it is [set](Self::set_now) or is the
/// [system's](Self::on_system_time).
///
/// # Examples
/// ```
/// use keyward_core::{Host, Prompt};
/// use keyward_testkit::TestHost;
///
/// let host = TestHost::new().variable("TOKEN", "t").answer("open sesame");
/// let prompt = Prompt::new("Passphrase");
/// assert_eq!(host.prompt(&prompt)?.expose(), b"open sesame");
/// assert!(host.prompt(&prompt).is_err());
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Debug)]
pub struct TestHost {
    secrets: BTreeMap<String, Loaded>,
    variables: BTreeMap<String, Secret>,
    answers: Mutex<VecDeque<Secret>>,
    last_answer: Option<Secret>,
    /// Seconds; `None` for the system's clock.
    now: Option<AtomicU64>,
    remaining: Mutex<Option<Duration>>,
    network: Network,
    sources: BTreeMap<String, Arc<dyn Source>>,
    server: Option<Server>,
    clients: Vec<Client>,
    given: Mutex<Vec<Secret>>,
    log: Mutex<Vec<(Level, String)>>,
}

impl TestHost {
    /// Makes a host without secrets, variables and answers, in the first second of 2026.
    #[expect(clippy::new_without_default, reason = "it is the start of a chain of calls")]
    pub fn new() -> Self {
        Self {
            secrets: BTreeMap::new(),
            variables: BTreeMap::new(),
            answers: Mutex::default(),
            last_answer: None,
            now: Some(AtomicU64::new(1_767_225_600)),
            remaining: Mutex::default(),
            network: Network::default(),
            sources: BTreeMap::new(),
            server: None,
            clients: Vec::new(),
            given: Mutex::default(),
            log: Mutex::default(),
        }
    }

    /// Sets the secret for references to the key source `from`.
    #[must_use]
    pub fn secret(mut self, from: &str, secret: impl Into<Secret>) -> Self {
        self.secrets.insert(from.to_owned(), Loaded::from(secret.into()));
        self
    }

    /// Sets the secret for references to the key source `from`, and when it expires.
    #[must_use]
    pub fn expiring_secret(
        mut self,
        from: &str,
        secret: impl Into<Secret>,
        expires: Timestamp,
    ) -> Self {
        self.secrets.insert(from.to_owned(), Loaded::new(secret.into(), Some(expires)));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<Secret>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Adds the answer to one more prompt.
    #[must_use]
    pub fn answer(self, answer: impl Into<Secret>) -> Self {
        self.answers.lock().unwrap().push_back(answer.into());
        self
    }

    /// Sets the answer to all prompts after the added ones.
    #[must_use]
    pub fn always_answer(mut self, answer: impl Into<Secret>) -> Self {
        self.last_answer = Some(answer.into());
        self
    }

    /// Sets the time that the caller will still wait.
    #[must_use]
    pub fn within(self, remaining: Duration) -> Self {
        self.set_remaining(Some(remaining));
        self
    }

    /// Sets the certificates that TLS trusts, and the proxies.
    #[must_use]
    pub fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// Sets the time that the caller will still wait; `None` for ever.
    ///
    /// # Panics
    /// If a thread panicked while it set the time.
    pub fn set_remaining(&self, remaining: Option<Duration>) {
        *self.remaining.lock().unwrap() = remaining;
    }

    /// Sets the store of this name. Every other store is `Locked`.
    #[must_use]
    pub fn source(mut self, store: &str, source: Arc<dyn Source>) -> Self {
        self.sources.insert(store.to_owned(), source);
        self
    }

    /// Sets the server with which an authenticator is tested.
    #[must_use]
    pub fn server(mut self, server: Server) -> Self {
        self.server = Some(server);
        self
    }

    /// Returns the server with which an authenticator is tested.
    pub(crate) fn own_server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// Adds a client with which a checker is tested.
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.clients.push(client);
        self
    }

    /// Returns the clients with which a checker is tested.
    pub(crate) fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// Uses the system's clock.
    #[must_use]
    pub fn on_system_time(mut self) -> Self {
        self.now = None;
        self
    }

    /// Sets the clock, unless it is the system's.
    pub fn set_now(&self, now: Timestamp) {
        if let Some(clock) = &self.now {
            clock.store(now.as_unix(), Ordering::SeqCst);
        }
    }

    /// Returns the messages that were logged so far.
    ///
    /// # Panics
    /// If a thread panicked while it logged.
    pub fn log(&self) -> Vec<(Level, String)> {
        self.log.lock().unwrap().clone()
    }

    /// Returns every secret that the host gave away so far.
    ///
    /// # Panics
    /// If a thread panicked while it requested one.
    pub fn given(&self) -> Vec<Secret> {
        self.given.lock().unwrap().clone()
    }

    fn give(&self, secret: Secret) -> Secret {
        self.given.lock().unwrap().push(secret.clone());
        secret
    }
}

impl Host for TestHost {
    fn secret(&self, reference: &SecretRef) -> Result<Loaded> {
        let secret = self.secrets.get(&reference.from).ok_or_else(|| {
            Error::new(ErrorKind::NoKey, "secret").because("the host has no such secret")
        })?;
        self.give(secret.secret.clone());
        Ok(secret.clone())
    }

    fn prompt(&self, _: &Prompt<'_>) -> Result<Secret> {
        let answer = self.answers.lock()?.pop_front().or_else(|| self.last_answer.clone());
        answer
            .map(|answer| self.give(answer))
            .ok_or_else(|| Error::new(ErrorKind::Locked, "prompt"))
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        self.variables.get(name).map(|value| self.give(value.clone()))
    }

    fn now(&self) -> Timestamp {
        match &self.now {
            Some(clock) => Timestamp::from_unix(clock.load(Ordering::SeqCst)),
            #[expect(
                clippy::disallowed_methods,
                reason = "this host is the one that tells others the time"
            )]
            None => SystemTime::now().into(),
        }
    }

    fn log(&self, level: Level, message: Arguments<'_>) {
        self.log.lock().unwrap().push((level, message.to_string()));
    }

    fn remaining(&self) -> Option<Duration> {
        *self.remaining.lock().unwrap()
    }

    fn network(&self) -> Result<Network> {
        Ok(self.network.clone())
    }

    fn source(&self, store: &str) -> Result<Arc<dyn Source>> {
        let source = self.sources.get(store).cloned();
        source.ok_or_else(|| {
            Error::new(ErrorKind::Locked, "source").because("the host has no such store")
        })
    }
}
