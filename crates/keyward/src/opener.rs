//! Opens the backends of a store.

use std::sync::Arc;

use keyward_config::{StoreFile, StoreHost};
use keyward_core::{Encryption, Host, Registry, Result, RoleTrait, Storage, Values};
use keyward_store::{Named, Parts, Store};

/// Opens the backends of one store. Each is looked up once, its options are checked once, and all
/// have the same host.
#[derive(Debug)]
pub(crate) struct StoreOpener<'a> {
    pub(crate) file: &'a StoreFile,
    pub(crate) registry: &'a Registry,
    pub(crate) host: Arc<StoreHost>,
}

impl StoreOpener<'_> {
    /// Opens the whole store.
    pub(crate) fn store(&self) -> Result<Store> {
        let file = self.file;
        let key = file.key.as_ref();
        Store::open(Parts {
            id: file.id,
            serializer: self.open(&file.serializer.name, &file.serializer.options)?,
            encryption: self.open(&file.encryption.name, &file.encryption.options)?,
            storage: self.open(&file.storage.name, &file.storage.options)?,
            key: key.map(|key| self.open(&key.from, &key.options)).transpose()?,
            envelope: file.envelope,
            host: self.host(),
        })
    }

    /// Opens only the encryption.
    pub(crate) fn encryption(&self) -> Result<Box<dyn Encryption>> {
        let config = &self.file.encryption;
        Ok(self.open(&config.name, &config.options)?.backend)
    }

    /// Opens only the storage.
    pub(crate) fn storage(&self) -> Result<Box<dyn Storage>> {
        let config = &self.file.storage;
        Ok(self.open(&config.name, &config.options)?.backend)
    }

    fn open<T: RoleTrait + ?Sized>(&self, name: &str, options: &Values) -> Result<Named<Box<T>>> {
        let registration = self.registry.find(T::ROLE, name)?;
        let table = registration.options;
        let locate = |wrong| self.file.locate(T::ROLE, wrong, table);
        let values = self.host.expander().values(options, table, locate)?;
        Ok(Named::new(name, registration.open_checked(&values, &self.host())?))
    }

    fn host(&self) -> Arc<dyn Host> {
        Arc::<StoreHost>::clone(&self.host)
    }
}
