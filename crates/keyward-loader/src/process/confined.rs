//! What a child may ask of its host.

use std::fmt::Arguments;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyward_core::{
    Error, ErrorKind, Host, Level, Prompt, Result, Secret, SecretRef, Timestamp, Value, Values,
};

use crate::message::failure::line;

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
    /// The host of an instance that is opened with these options.
    ///
    /// It may see the variables that its program sees, and those that the options name.
    pub(super) fn new<'a>(
        host: &Arc<dyn Host>,
        backend: &'static str,
        options: &Values,
        visible: impl Iterator<Item = &'a str>,
    ) -> Self {
        let (mut secrets, mut variables) =
            (Vec::new(), visible.map(str::to_owned).collect::<Vec<_>>());
        for (_, value) in options.iter() {
            match value {
                Value::Secret(reference) => secrets.push(reference.clone()),
                Value::Text(text) => variables.push(text.clone()),
                Value::List(texts) => variables.extend_from_slice(texts),
                Value::Flag(_) | Value::Number(_) => {}
            }
        }
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
                "{} asks for the variable {}, of which it was not told",
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
