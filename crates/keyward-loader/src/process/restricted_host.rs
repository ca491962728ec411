//! Restricts what a child may ask its host.

use std::fmt::Arguments;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyward_core::{
    Error, ErrorKind, Host, Level, Loaded, Network, Prompt, Result, Secret, SecretRef, Source,
    Timestamp, Value, Values, without_user_info,
};

use crate::named_stores::NamedStores;
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
    stores: NamedStores,
    variables: Vec<String>,
    warned: AtomicBool,
}

impl RestrictedHost {
    /// Returns the host of an instance that is opened with these options, of which `stores` name
    /// stores, and whose program may see these variables.
    ///
    /// A variable that an option names is not allowed for that reason: the child itself announces
    /// the default of the option.
    pub(super) fn new<'a>(
        host: &Arc<dyn Host>,
        backend: &'static str,
        options: &Values,
        stores: &[String],
        visible: impl Iterator<Item = &'a str>,
    ) -> Self {
        let secrets = options.iter().filter_map(|(_, value)| match value {
            Value::Secret(reference) => Some(reference.clone()),
            _ => None,
        });
        let (secrets, variables) = (secrets.collect(), visible.map(str::to_owned).collect());
        Self {
            host: host.clone(),
            backend,
            secrets,
            stores: NamedStores::new(host, stores, options),
            variables,
            warned: AtomicBool::new(false),
        }
    }
}

impl RestrictedHost {
    fn may_see(&self, variable: &str) -> bool {
        self.variables.iter().any(|visible| visible == variable)
    }

    /// Warns of the first thing that the child does not get.
    fn warn_once(&self, what: Arguments<'_>) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            let why = format_args!(
                "{} {what}, which it may not see (`keyward plugin trust --env`)",
                self.backend
            );
            self.host.log(Level::Warning, why);
        }
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
        if self.may_see(name) {
            return self.host.variable(name);
        }
        self.warn_once(format_args!("asks for the variable {}", escape_text(name)));
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

    /// Where the certificates are and which proxies there are is no secret, but the password of a
    /// proxy is. A child gets it if its program may see the variable that usually contains it.
    fn network(&self) -> Result<Network> {
        let mut network = self.host.network()?;
        for (proxy, variables) in [
            (&mut network.https_proxy, &["https_proxy", "HTTPS_PROXY"][..]),
            (&mut network.http_proxy, &["http_proxy"]),
            (&mut network.all_proxy, &["all_proxy", "ALL_PROXY"]),
        ] {
            if let Some(public) = proxy.as_ref().and_then(without_user_info)
                && !variables.iter().any(|name| self.may_see(name))
            {
                *proxy = Some(public);
                self.warn_once(format_args!(
                    "does not get the password of the proxy in {}",
                    variables[0]
                ));
            }
        }
        Ok(network)
    }

    fn source(&self, store: &str) -> Result<Arc<dyn Source>> {
        self.stores.open(store).map_err(|error| error.in_backend(self.backend))
    }
}
