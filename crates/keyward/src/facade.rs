use std::sync::Arc;

use keyward_config::{
    Config, Environment, Interaction, OsUser, Silent, StoreFile, StoreHost, StoreName,
};
use keyward_core::{Registry, Result};

use crate::audit::{Audit, Recipient};
use crate::opener::StoreOpener;
use crate::plugins;
use crate::tokens_in_memory::InMemory;

/// Keyward for applications.
///
/// The page of the crate has an example.
#[derive(Clone, Debug)]
pub struct Keyward {
    pub(crate) config: Arc<Config>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) interaction: Arc<dyn Interaction>,
    /// The stores for whose backends this opens others, outermost first.
    pub(crate) opened_for: Vec<StoreName>,
    pub(crate) recipient: Recipient,
    /// The tokens of credentials that are in no store.
    pub(crate) tokens_in_memory: Arc<InMemory>,
}

impl Keyward {
    /// Opens the configuration of the user who runs the program. It never prompts.
    ///
    /// # Errors
    /// As [`Config::load`] and [`Registry::linked`].
    pub fn open() -> Result<Self> {
        Self::with(Environment::current(), Silent)
    }

    /// Opens the configuration that an environment points to; prompts and messages go to
    /// `interaction`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn with(environment: Environment, interaction: impl Interaction + 'static) -> Result<Self> {
        let config = Config::load(environment)?;
        Ok(Self {
            registry: Arc::new(plugins::registry(&config)?),
            config: Arc::new(config),
            interaction: Arc::new(interaction),
            opened_for: Vec::new(),
            recipient: Recipient::default(),
            tokens_in_memory: Arc::default(),
        })
    }

    /// Returns the same with only these backends, instead of those that are linked and configured.
    #[must_use]
    pub fn with_backends(self, registry: Registry) -> Self {
        Self { registry: Arc::new(registry), ..self }
    }

    /// Returns the same for a program that gives the records to another one.
    #[must_use]
    pub fn giving_to(self, recipient: Recipient) -> Self {
        Self { recipient, ..self }
    }

    /// Returns what writes down which records are given out.
    pub(crate) fn audit(&self) -> Audit {
        Audit { config: Arc::clone(&self.config), recipient: self.recipient.clone() }
    }

    /// Returns the configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the backends: linked ones, and those that plugins provide.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Returns the names of all stores, sorted.
    ///
    /// # Errors
    /// Those of reading the configuration's folders.
    pub fn store_names(&self) -> Result<Vec<StoreName>> {
        Ok(self.config.store_names()?.into_iter().collect())
    }

    /// Returns what opens the backends of a store. A system store needs the user whose place is
    /// opened.
    pub(crate) fn opener<'a>(
        &'a self,
        file: &'a StoreFile,
        user: Option<&OsUser>,
    ) -> StoreOpener<'a> {
        self.opener_with(Arc::clone(&self.interaction), file, user)
    }

    /// Returns what opens the backends of a store, for another interaction.
    pub(crate) fn opener_with<'a>(
        &'a self,
        interaction: Arc<dyn Interaction>,
        file: &'a StoreFile,
        user: Option<&OsUser>,
    ) -> StoreOpener<'a> {
        let expander = self.config.expander(file, user.map(|user| user.uid));
        let stores = Arc::new(self.for_backends(&file.name));
        let (registry, config) = (Arc::clone(&self.registry), Arc::clone(&self.config));
        let host = StoreHost::new(registry, config, expander, interaction, stores);
        StoreOpener { file, registry: &self.registry, host: Arc::new(host) }
    }
}
