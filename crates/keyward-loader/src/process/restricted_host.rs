//! Restricts what a child may ask its host.

use std::fmt::Arguments;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyward_core::{
    Error, ErrorKind, Host, Level, Loaded, Prompt, Result, Secret, SecretRef, Timestamp, Value,
    Values,
};

use keyward_wire::message::failure::escape_text;

/// A host that gives an instance of a child only the secrets in its own options and the variables
/// that its program may see.
///
/// A backend in this process can read every secret in any case. A child is separated from this
/// process, and must not get through its pipes what the separation protects.
#[derive(Debug)]
pub(super) struct RestrictedHost {
    host: Arc<dyn Host>,
    /// The name of the backend, which the child cannot change.
    backend: &'static str,
    secrets: Vec<SecretRef>,
    variables: Vec<String>,
    warned: AtomicBool,
}

impl RestrictedHost {
    /// Returns the host of an instance that is opened with these options, and whose program may see
    /// these variables.
    ///
    /// A variable that an option names is not allowed for that reason: the child itself announces
    /// the default of the option.
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

impl Host for RestrictedHost {
    fn secret(&self, reference: &SecretRef) -> Result<Loaded> {
        if self.secrets.contains(reference) {
            return self.host.secret(reference);
        }
        let why = "it asks for a secret that is not in its options";
        Err(Error::new(ErrorKind::Refused, "secret").because(why).in_backend(self.backend))
    }

    /// Puts the name of the backend first, because the child chooses the rest of the text.
    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret> {
        let text = format!("{} asks: {}", self.backend, prompt.text);
        self.host.prompt(&Prompt::new(&text).with_confirm(prompt.confirm))
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        if self.variables.iter().any(|variable| variable == name) {
            return self.host.variable(name);
        }
        if !self.warned.swap(true, Ordering::Relaxed) {
            let why = format_args!(
                "{} asks for the variable {}, which it may not see (`keyward plugin trust --env`)",
                self.backend,
                escape_text(name)
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
