//! Stores for backends that need other stores.

use std::sync::Arc;

use keyward_config::StoreName;
use keyward_core::{Error, Result, Source, Stores};

use crate::facade::Keyward;

impl Keyward {
    /// Returns what opens the stores that the backends of this store need. It knows for which stores
    /// it opens others: a store that needs itself would wait for its own lock.
    pub(crate) fn for_backends(&self, store: &StoreName) -> Self {
        let mut keyward = self.clone();
        keyward.opened_for.push(store.clone());
        keyward
    }
}

impl Stores for Keyward {
    fn open(&self, name: &str) -> Result<Arc<dyn Source>> {
        let name = self.config.store_called(name)?;
        if self.opened_for.contains(&name) {
            let chain: Vec<_> =
                self.opened_for.iter().chain([&name]).map(|name| format!("`{name}`")).collect();
            let why = format!("a store needs itself: {}", chain.join(" needs "));
            return Err(Error::invalid("source", why)
                .hint("Give one of them a backend that needs no other store"));
        }
        let store = self.store(name.as_str()).map_err(Error::not_a_miss)?;
        Ok(Arc::new(store.into_store()))
    }
}
