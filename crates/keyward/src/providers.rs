//! The providers of the configuration: which credential a URL needs.

use keyward_core::Result;
use keyward_provider::{Level, Provider, Providers};

use crate::facade::Keyward;

impl Keyward {
    /// Returns the providers of the configuration: the files `providers/NAME.toml` of the system and
    /// of the user. A file that cannot be used is among those that are
    /// [broken](Providers::into_broken), and hides no other one.
    ///
    /// # Errors
    /// [`Refused`](keyward_core::ErrorKind::Refused) for a folder that other users can write; those
    /// of reading it.
    pub fn providers(&self) -> Result<Providers> {
        let mut providers = Providers::default();
        for named in self.config.tables("providers")? {
            let level = if named.is_system { Level::System } else { Level::User };
            let provider = named
                .table
                .and_then(|table| Provider::parse(&named.name, &table.text, &table.from));
            match provider {
                Ok(provider) => providers.add(level, provider),
                Err(error) => providers.add_broken(error),
            }
        }
        Ok(providers)
    }
}
