use keyward_core::{Error, ErrorKind, LockMode, Result};

use crate::keyset_file;
use crate::store::Store;

impl Store {
    /// Wraps the keyset again: the key source returns new parameters for the same key, such as those
    /// for the newest key of a key service. No entry changes.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if the store has no keyset, or its key source does not
    /// wrap keys; those of key source and storage. After an error, the old parameters still work.
    pub fn rewrap(&self) -> Result<()> {
        let Some(source) = &self.parts.key else {
            return Err(
                Error::new(ErrorKind::Unsupported, "rewrap").because("this store has no keyset")
            );
        };
        if self.loses_puts() {
            return Err(self.loses_keysets("rewrap"));
        }
        let _guard = self.lock_store(LockMode::Exclusive)?;
        let (id, failed) = (keyset_file::wrapping_key(self.parts.id), |error| source.failed(error));
        self.replace_keyset(|_, key, parameters| {
            let parameters = source.backend.rewrap(&id, &parameters).map_err(failed)?;
            // With parameters that do not lead to the key, the keyset would never open again.
            if source.backend.load(&id, &parameters).map_err(failed)?.secret != *key {
                let why = "the new parameters do not lead to the key; the keyset stays as it is";
                return Err(failed(Error::new(ErrorKind::Other, "rewrap").because(why)));
            }
            Ok(parameters)
        })
    }
}
