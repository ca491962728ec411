//! From a store's file to its parts.

use std::sync::Arc;

use keyward_config::{Config, Expander, Interaction, StoreFile, StoreHost, Use};
use keyward_core::{Host, Registry, Result, Role, SecretRef, Storage, Values};
use keyward_store::{Named, Parts, Store};

/// What opening a store needs.
#[derive(Clone, Debug)]
pub(crate) struct Assembler<'a> {
    pub(crate) config: &'a Config,
    pub(crate) registry: &'a Arc<Registry>,
    pub(crate) interaction: &'a Arc<dyn Interaction>,
    /// In a central store, whose folder is meant.
    pub(crate) uid: Option<u32>,
}

impl Assembler<'_> {
    /// The store that a file describes.
    pub(crate) fn open(&self, file: &StoreFile) -> Result<Store> {
        self.open_with(file, self.host(file))
    }

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

    pub(crate) fn open_with(&self, file: &StoreFile, host: StoreHost) -> Result<Store> {
        let host: Arc<dyn Host> = Arc::new(host);
        let expander = self.expander(file);
        let values = |role, name: &str, options: &Values| -> Result<Values> {
            expander.values(options, self.registry.find(role, name)?.options)
        };
        let of = |role, used: &Use| values(role, &used.name, &used.options);
        let key = |reference: &SecretRef| -> Result<_> {
            let values = values(Role::Key, &reference.from, &reference.options)?;
            let key = self.registry.key(&reference.from, &values, &host)?;
            Ok(Named::new(&reference.from, key))
        };
        let serializer = self.registry.serializer(
            &file.serializer.name,
            &of(Role::Serializer, &file.serializer)?,
            &host,
        )?;
        let encryption = self.registry.encryption(
            &file.encryption.name,
            &of(Role::Encryption, &file.encryption)?,
            &host,
        )?;
        let storage = self.storage(file, &host)?;
        Store::open(Parts {
            id: file.id,
            serializer: Named::new(&file.serializer.name, serializer),
            encryption: Named::new(&file.encryption.name, encryption),
            storage: Named::new(&file.storage.name, storage),
            key: file.key.as_ref().map(key).transpose()?,
            envelope: file.envelope,
            host: Arc::clone(&host),
        })
    }

    /// The storage alone, where records need not be opened.
    pub(crate) fn storage(
        &self,
        file: &StoreFile,
        host: &Arc<dyn Host>,
    ) -> Result<Box<dyn Storage>> {
        let table = self.registry.find(Role::Storage, &file.storage.name)?.options;
        let values = self.expander(file).values(&file.storage.options, table)?;
        self.registry.storage(&file.storage.name, &values, host)
    }
}
