use keyward_config::Environment;
use keyward_core::Result;

use crate::datalad::Item;

/// Only Linux has one.
#[derive(Debug)]
pub(crate) struct SecretService;

impl SecretService {
    pub(crate) fn connect(_: &Environment) -> Result<Option<Self>> {
        Ok(None)
    }

    pub(crate) fn items(&self) -> Result<Vec<Item>> {
        Ok(Vec::new())
    }

    pub(crate) fn remove(&self, _: &str) -> Result<()> {
        Ok(())
    }
}
