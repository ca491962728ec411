//! The providers of the configuration: which credential a URL needs.

use std::path::Path;

use keyward_config::Table;
use keyward_core::{Error, Result};
use keyward_provider::{Level, Provider, Providers, packaged};

use crate::facade::Keyward;

/// The folder of the files, in a configuration and in a project's `.keyward/`.
pub const PROVIDERS: &str = "providers";

impl Keyward {
    /// Returns the providers that come with Keyward, and those of the configuration: the files
    /// `providers/NAME.toml` of the system and of the user. A file that cannot be used is among those
    /// that are [broken](Providers::into_broken), and hides no other one.
    ///
    /// # Errors
    /// [`Refused`](keyward_core::ErrorKind::Refused) for a folder that other users can write; those
    /// of reading it.
    pub fn providers(&self) -> Result<Providers> {
        let mut providers = Providers::default();
        packaged().for_each(|provider| providers.add(Level::Packaged, provider));
        for named in self.config.tables(PROVIDERS)? {
            let level = if named.is_system { Level::System } else { Level::User };
            match named.table.and_then(|table| self.provider(&named.name, &table)) {
                Ok(provider) => providers.add(level, provider),
                Err(error) => providers.add_broken(error),
            }
        }
        Ok(providers)
    }

    /// Returns the same, with those of the project that contains a folder: its files
    /// `.keyward/providers/NAME.toml`.
    ///
    /// # Errors
    /// Those of [`providers`](Self::providers).
    ///
    /// # Security
    /// A project that the user does not trust is among what is broken, and none of its files counts.
    pub fn providers_in(&self, folder: &Path) -> Result<Providers> {
        let mut providers = self.providers()?;
        if let Err(error) = self.add_project(&mut providers, folder) {
            providers.add_broken(error);
        }
        Ok(providers)
    }

    /// Reads a provider, and checks its authenticators.
    fn provider(&self, name: &str, table: &Table) -> Result<Provider> {
        let provider = Provider::parse(name, &table.text, &table.from)?;
        self.check_provider(&provider).map_err(|error| {
            let located = Error::new(error.kind(), "provider").because(format!(
                "{}: {}",
                table.from,
                error.message()
            ));
            match error.advice() {
                Some(hint) => located.hint(hint),
                None => located,
            }
        })?;
        Ok(provider)
    }

    fn add_project(&self, providers: &mut Providers, folder: &Path) -> Result<()> {
        let Some(folder) = self.config.find_project(folder)? else { return Ok(()) };
        // Most projects have none, and need not be trusted for this.
        if !folder.join(".keyward").join(PROVIDERS).exists() {
            return Ok(());
        }
        let project = self.config.trusted_project(&folder)?;
        for (name, table) in project.tables(PROVIDERS) {
            match table.and_then(|table| self.provider(&name, &table)) {
                Ok(provider) => providers.add(Level::Project, provider),
                Err(error) => providers.add_broken(error),
            }
        }
        Ok(())
    }
}
