//! The stores that an instance of a plugin may use.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use keyward_core::{Error, ErrorKind, Host, OptionType, Result, Source, Value, Values};
use keyward_wire::manifest::AnnouncedOption;

/// The stores that the options of an instance name, each opened once.
#[derive(Debug)]
pub(crate) struct NamedStores {
    host: Arc<dyn Host>,
    names: Vec<String>,
    opened: Mutex<BTreeMap<String, Arc<dyn Source>>>,
}

impl NamedStores {
    /// Returns the stores for an instance with these options. An announced default names no store,
    /// because the plugin has chosen it: [`OptionType::Store`] has none.
    pub(crate) fn new(host: &Arc<dyn Host>, options: &[String], values: &Values) -> Self {
        let names = options.iter().filter_map(|option| match values.get(option) {
            Some(Value::Text(name)) => Some(name.clone()),
            _ => None,
        });
        Self { host: Arc::clone(host), names: names.collect(), opened: Mutex::default() }
    }

    /// Returns the store of this name.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) if no option names it; else those of [`Host::source`].
    pub(crate) fn open(&self, name: &str) -> Result<Arc<dyn Source>> {
        if !self.names.iter().any(|allowed| allowed == name) {
            return Err(Error::new(ErrorKind::Refused, "source")
                .because("it asks for a store that is not in its options"));
        }
        if let Some(opened) = self.lock().get(name) {
            return Ok(Arc::clone(opened));
        }
        // Opening may take long, and other threads may need other stores meanwhile.
        let opened = self.host.source(name).map_err(Error::not_a_miss)?;
        Ok(Arc::clone(self.lock().entry(name.to_owned()).or_insert(opened)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<dyn Source>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the names of the options that name stores.
pub(crate) fn store_options(options: &[AnnouncedOption]) -> Vec<String> {
    let stores = options.iter().filter(|option| option.kind == OptionType::Store);
    stores.map(|option| option.name.clone()).collect()
}
