//! Makes a store from the file that describes it.

use std::sync::Arc;

use keyward_config::{Config, Expander, Interaction, StoreFile, StoreHost};
use keyward_core::{
    Encryption, Host, Key, Registry, Result, Role, SecretRef, Serializer, Storage, Values,
};
use keyward_store::{Named, Parts, Store};

/// What is needed to open a store.
#[derive(Clone, Debug)]
pub(crate) struct Assembler<'a> {
    pub(crate) config: &'a Config,
    pub(crate) registry: &'a Arc<Registry>,
    pub(crate) interaction: &'a Arc<dyn Interaction>,
    /// The user of the folder to use, in a central store.
    pub(crate) uid: Option<u32>,
}

impl Assembler<'_> {
    /// Opens the store that a file describes.
    pub(crate) fn open(&self, file: &StoreFile) -> Result<Store> {
        self.open_with(file, self.host(file))
    }

    /// Opens the store with another host.
    pub(crate) fn open_with(&self, file: &StoreFile, host: StoreHost) -> Result<Store> {
        let host: Arc<dyn Host> = Arc::new(host);
        let key = |reference: &SecretRef| -> Result<_> {
            Ok(Named::new(&reference.from, self.key(file, reference, &host)?))
        };
        Store::open(Parts {
            id: file.id,
            serializer: Named::new(&file.serializer.name, self.serializer(file, &host)?),
            encryption: Named::new(&file.encryption.name, self.encryption(file, &host)?),
            storage: Named::new(&file.storage.name, self.storage(file, &host)?),
            key: file.key.as_ref().map(key).transpose()?,
            envelope: file.envelope,
            host,
        })
    }

    /// Returns the host of a store's backends.
    pub(crate) fn host(&self, file: &StoreFile) -> StoreHost {
        StoreHost::new(
            Arc::clone(self.registry),
            self.config.environment().clone(),
            self.expander(file),
            Arc::clone(self.interaction),
        )
    }

    fn expander(&self, file: &StoreFile) -> Expander {
        let expander = self.config.expander(file);
        match self.uid {
            Some(uid) => expander.for_uid(uid),
            None => expander,
        }
    }

    fn serializer(&self, file: &StoreFile, host: &Arc<dyn Host>) -> Result<Box<dyn Serializer>> {
        let used = &file.serializer;
        let values = self.values(file, Role::Serializer, &used.name, &used.options)?;
        self.registry.open(&used.name, &values, host)
    }

    /// Opens only the encryption, to ask for its abilities.
    pub(crate) fn encryption(
        &self,
        file: &StoreFile,
        host: &Arc<dyn Host>,
    ) -> Result<Box<dyn Encryption>> {
        let used = &file.encryption;
        let values = self.values(file, Role::Encryption, &used.name, &used.options)?;
        self.registry.open(&used.name, &values, host)
    }

    /// Opens only the storage, if records need not be opened.
    pub(crate) fn storage(
        &self,
        file: &StoreFile,
        host: &Arc<dyn Host>,
    ) -> Result<Box<dyn Storage>> {
        let used = &file.storage;
        let values = self.values(file, Role::Storage, &used.name, &used.options)?;
        self.registry.open(&used.name, &values, host)
    }

    fn key(
        &self,
        file: &StoreFile,
        reference: &SecretRef,
        host: &Arc<dyn Host>,
    ) -> Result<Box<dyn Key>> {
        let values = self.values(file, Role::Key, &reference.from, &reference.options)?;
        self.registry.open(&reference.from, &values, host)
    }

    /// Returns a backend's options, expanded.
    fn values(&self, file: &StoreFile, role: Role, name: &str, options: &Values) -> Result<Values> {
        let table = self.registry.find(role, name)?.options;
        file.check_options(role, options, table)?;
        self.expander(file).values(options, table)
    }
}
