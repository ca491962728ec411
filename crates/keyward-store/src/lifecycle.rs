//! The beginning and the end of a store.

use keyward_core::{Keys, Persistence, Result};

use crate::keyset_file;
use crate::seal::Missing;
use crate::store::Store;

impl Store {
    /// Makes what the store needs before its first record: its keyset, where it has one.
    ///
    /// # Errors
    /// Those of key source and storage; a half-made store is undone by
    /// [`destroy`](Self::destroy).
    pub fn create(&self) -> Result<()> {
        if self.parts.encryption.it.abilities().keys == Keys::Store {
            self.create_keyset()?;
        }
        Ok(())
    }

    /// Asks the key source for the store's key and unwraps the keyset with it, without opening
    /// any entry.
    ///
    /// # Errors
    /// Those of key source and storage.
    pub fn check_key(&self) -> Result<()> {
        let lasts = self.parts.storage.it.abilities().persistence == Persistence::Durable;
        if lasts && self.parts.encryption.it.abilities().keys == Keys::Store {
            self.keyset(Missing::Error)?;
        }
        Ok(())
    }

    /// Removes all entries, and the key that was made for this store; never a supplied one.
    ///
    /// The key goes first: from then on nothing opens what is still left of the data. Starting
    /// again after an interruption finishes the work.
    ///
    /// # Errors
    /// Those of key source and storage.
    pub fn destroy(&self) -> Result<()> {
        if let Some(source) = &self.parts.key {
            match self.parts.storage.it.get(&keyset_file::entry()) {
                Ok(stored) => {
                    // A keyset that cannot be read names no key that would be ours to delete.
                    if let Ok((header, _)) = keyset_file::Header::parse(&stored.blob, &self.parts) {
                        source
                            .it
                            .delete(&keyset_file::wrapping_key(self.parts.id), &header.parameters)
                            .map_err(|error| error.in_backend(&source.name))?;
                    }
                }
                Err(error) if error.is_miss() => {}
                Err(error) => return self.in_storage(Err(error)),
            }
        }
        self.in_storage(self.parts.storage.it.destroy())
    }
}
