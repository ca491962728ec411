//! What a child may ask of its host.

use std::fmt::Arguments;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyward_core::{
    Error, ErrorKind, Host, Level, Prompt, Result, Secret, SecretRef, Timestamp, Value, Values,
};

use keyward_wire::message::failure::line;

/// A host that answers one instance of a child, and only for what that was told of.
///
/// A backend in this process can read every secret anyhow. A child was put at a distance, and is not
/// to get through its pipes what it was kept from.
#[derive(Debug)]
pub(super) struct Confined {
    host: Arc<dyn Host>,
    /// The backend, which cannot choose what it is called any more.
    backend: &'static str,
    secrets: Vec<SecretRef>,
    variables: Vec<String>,
    warned: AtomicBool,
}

impl Confined {
    /// The host of an instance that is opened with these options, and whose program sees these variables.
    ///
    /// A variable that an option names is not enough: the child announces the option's default.
    pub(super) fn new<'a>(
        host: &Arc<dyn Host>,
        backend: &'static str,
        options: &Values,
        visible: impl Iterator<Item = &'a str>,
    ) -> Self {
        let secrets = options.iter().filter_map(|(_, value)| match value {
            Value::Secret(reference) => Some(reference.clone()),
            _ => None,
        });
        let (secrets, variables) = (secrets.collect(), visible.map(str::to_owned).collect());
        Self { host: host.clone(), backend, secrets, variables, warned: AtomicBool::new(false) }
    }
}

impl Host for Confined {
    fn secret(&self, reference: &SecretRef) -> Result<Secret> {
        if self.secrets.contains(reference) {
            return self.host.secret(reference);
        }
        let why = "it asks for a secret that does not stand in its options";
        Err(Error::new(ErrorKind::Refused, "secret").because(why).in_backend(self.backend))
    }

    /// Says who asks, first of all: the rest is the child's to choose.
    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret> {
        let text = format!("{} asks: {}", self.backend, prompt.text);
        self.host.prompt(&Prompt { text: &text, ..*prompt })
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        if self.variables.iter().any(|variable| variable == name) {
            return self.host.variable(name);
        }
        if !self.warned.swap(true, Ordering::Relaxed) {
            let why = format_args!(
                "{} asks for the variable {}, which it may not see (`keyward plugin trust --env`)",
                self.backend,
                line(name)
            );
            self.host.log(Level::Warning, why);
        }
        None
    }

    fn now(&self) -> Timestamp {
        self.host.now()
    }

    fn log(&self, level: Level, message: Arguments<'_>) {
        self.host.log(level, message);
    }

    fn remaining(&self) -> Option<Duration> {
        self.host.remaining()
    }
}
