use keyward_core::{Error, ErrorKind, Expect, LockMode, Result};

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
        let stored = self.in_storage(self.storage()?.get(&keyset_file::entry()))?;
        let key = self.load_wrapping_key(&stored.blob)?;
        let keyset = keyset_file::unwrap(&self.parts, &stored.blob, &key)?;
        let (header, _) = keyset_file::Header::parse(&stored.blob, &self.parts)?;
        let (id, failed) = (keyset_file::wrapping_key(self.parts.id), |error| source.failed(error));
        let parameters = source.backend.rewrap(&id, &header.parameters).map_err(failed)?;
        // With parameters that do not lead to the key, the keyset would never open again.
        if source.backend.load(&id, &parameters).map_err(failed)?.secret != key {
            let why = "the new parameters do not lead to the key; the keyset stays as it is";
            return Err(failed(Error::new(ErrorKind::Other, "rewrap").because(why)));
        }
        let blob = keyset_file::wrap(&self.parts, &keyset, &key, &parameters)?;
        self.put_confirmed(&keyset_file::entry(), &blob, Expect::Revision(stored.revision()))?;
        self.forget_keyset()
    }
}
