use std::sync::Arc;

use keyward_config::StoreName;
use keyward_core::{Error, Result, Source, Stores};

use crate::facade::Keyward;

/// The stores that the backends of a store may need.
///
/// A store that needs itself would wait for its own lock. So each store that is opened for another
/// one knows for which stores it was opened.
#[derive(Clone, Debug)]
pub(crate) struct NeededStores {
    keyward: Keyward,
    /// The store whose backends request another one, and those that it was opened for.
    open: Vec<StoreName>,
}

impl NeededStores {
    pub(crate) fn new(keyward: &Keyward, store: &StoreName) -> Self {
        let mut open = keyward.opened_for.clone();
        open.push(store.clone());
        Self { keyward: keyward.clone(), open }
    }
}

impl Stores for NeededStores {
    fn open(&self, name: &str) -> Result<Arc<dyn Source>> {
        let name = StoreName::new(name)?;
        if self.open.contains(&name) {
            let chain: Vec<_> =
                self.open.iter().chain([&name]).map(|name| format!("`{name}`")).collect();
            let why = format!("a store needs itself: {}", chain.join(" needs "));
            return Err(Error::invalid("source", why)
                .hint("Give one of them a backend that needs no other store"));
        }
        let keyward = Keyward { opened_for: self.open.clone(), ..self.keyward.clone() };
        let store = keyward.store(name.as_str()).map_err(Error::not_a_miss)?;
        Ok(Arc::new(store.into_store()))
    }
}
