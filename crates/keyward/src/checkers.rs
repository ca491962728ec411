//! What checkers get from an application.

use std::sync::Arc;

use keyward_config::{Expander, StoreHost};
use keyward_core::Host;

use crate::facade::Keyward;

impl Keyward {
    /// Returns the host of backends that belong to no store, such as checkers: it opens the stores that
    /// they name, and gets the secrets that their options refer to.
    pub fn host(&self) -> Arc<dyn Host> {
        let (registry, config) = (Arc::clone(&self.registry), Arc::clone(&self.config));
        let expander = Expander::without_store(config.places());
        let interaction = Arc::clone(&self.interaction);
        Arc::new(StoreHost::new(registry, config, expander, interaction, Arc::new(self.clone())))
    }
}
