//! Opens the authenticators that providers name.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use keyward_config::{Interaction, Silent};
use keyward_core::{
    Authenticator, Error, ErrorKind, Host, Level, Loaded, Prompt, Registry, Result, Role, Secret,
    SecretRef, Timestamp,
};
use keyward_provider::{Provider, Use};

use crate::facade::Keyward;

impl Keyward {
    /// Opens an authenticator that a provider uses: one that is linked, or one of a plugin that the
    /// user trusts.
    ///
    /// It gets nothing from its host but the time: everything else, it is told at each step.
    ///
    /// # Errors
    /// Those of [`Registry::open`].
    pub fn authenticator(&self, used: &Use) -> Result<Box<dyn Authenticator>> {
        let host: Arc<dyn Host> = Arc::new(StepHost(Arc::clone(&self.interaction)));
        self.registry.open(&used.name, &used.options, &host)
    }

    /// Checks that the authenticators of a provider exist and take their options.
    ///
    /// A plugin that provides one is not started for this. It checks the options when it is used.
    ///
    /// # Errors
    /// Those of [`authenticator`](Self::authenticator).
    pub fn check_provider(&self, provider: &Provider) -> Result<()> {
        let role = Role::Authenticator;
        for used in &provider.authenticators {
            let mut offers = self.registry.offers();
            let is_offered = offers.any(|offer| (offer.role(), offer.name()) == (role, &used.name));
            if !is_offered || !role.allows_plugin(&used.name) {
                self.authenticator(used)?;
            }
        }
        Ok(())
    }
}

/// Checks that a linked authenticator takes its options, for code that has no configuration.
///
/// # Errors
/// Those of [`Registry::open`].
pub fn check_linked_authenticator(used: &Use) -> Result<()> {
    let host: Arc<dyn Host> = Arc::new(StepHost(Arc::new(Silent)));
    let registry = Registry::linked()?;
    registry.open::<dyn Authenticator>(&used.name, &used.options, &host).map(drop)
}

/// The host of an authenticator.
#[derive(Debug)]
struct StepHost(Arc<dyn Interaction>);

impl Host for StepHost {
    fn secret(&self, _: &SecretRef) -> Result<Loaded> {
        Err(nothing("secret"))
    }

    fn prompt(&self, _: &Prompt<'_>) -> Result<Secret> {
        Err(nothing("prompt"))
    }

    fn variable(&self, _: &str) -> Option<Secret> {
        None
    }

    fn now(&self) -> Timestamp {
        keyward_config::now()
    }

    fn log(&self, level: Level, message: fmt::Arguments<'_>) {
        self.0.log(level, message);
    }

    fn remaining(&self) -> Option<Duration> {
        None
    }
}

fn nothing(operation: &'static str) -> Error {
    Error::new(ErrorKind::Unsupported, operation)
        .because("an authenticator gets its credential with each step, and nothing else")
}

#[cfg(test)]
mod tests {
    use keyward_config::Environment;
    use keyward_defaults as _;
    use keyward_provider::packaged;

    use super::*;

    #[test]
    fn the_authenticators_of_packaged_providers_take_their_options() {
        let home = tempfile::tempdir().unwrap();
        let keyward = Keyward::with(Environment::new([("HOME", home.path())]), Silent).unwrap();
        assert!(packaged().count() > 0);
        for provider in packaged() {
            keyward.check_provider(&provider).unwrap();
        }
        let none = keyward.with_backends(Registry::new([]).unwrap());
        let mut with = packaged().filter(|provider| !provider.authenticators.is_empty());
        assert!(with.all(|provider| none.check_provider(&provider).is_err()));
    }
}
