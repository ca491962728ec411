use keyward_core::{EntryId, Error, ErrorKind, Expect, Keys, LockMode, Result, Secret};

use crate::keyset::Keyset;
use crate::keyset_cache::Missing;
use crate::keyset_file;
use crate::store::Store;

/// The result of a rotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Entries that were resealed.
    pub resealed: u64,
    /// Entries that were already sealed with the current key.
    pub current: u64,
    /// Old keys that are still in the keyset.
    pub old_keys: usize,
}

impl Store {
    /// Reseals every entry with a new key.
    ///
    /// If the store has the keys, this adds a key to the keyset, makes it primary, and reseals one
    /// entry after the other. The next call completes an interrupted rotation, and then adds no
    /// key. If the encryption has its own keys, this reseals the entries that are not sealed with
    /// the current ones. Old keys stay until [`retire`](Self::retire).
    ///
    /// It calls `done` for each entry.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if there are no keys; [`NoKey`](ErrorKind::NoKey) or
    /// [`Corrupt`](ErrorKind::Corrupt) for an entry that does not open.
    pub fn rotate(&self, mut done: impl FnMut(&EntryId)) -> Result<Rotated> {
        let keys = self.parts.encryption.backend.abilities().keys;
        if keys == Keys::None
            || !self.parts.envelope
            || (keys == Keys::Store && self.parts.key.is_none())
        {
            return Err(Error::new(ErrorKind::Unsupported, "rotate")
                .because("this store has no keys to rotate"));
        }
        if keys == Keys::Store {
            if self.loses_puts() {
                return Err(self.loses_keysets("rotate"));
            }
            self.add_key()?;
        }
        let mut rotated = self.reseal_all(&mut done)?;
        // These are the entries that other processes wrote after the new key existed and before
        // they used it.
        rotated.resealed += self.reseal_rest()?;
        if keys == Keys::Store {
            let _guard = self.lock_store(LockMode::Exclusive)?;
            self.change_keyset(|keyset| {
                keyset.rotating = false;
                Ok(())
            })?;
            rotated.old_keys = self.keyset(Missing::Error)?.old_key_count();
        }
        Ok(rotated)
    }

    /// Deletes the old keys of the keyset, and returns how many there were.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if an entry is still sealed with one of them, or the lock
    /// was lost and another process changed the keys;
    /// [`Unsupported`](ErrorKind::Unsupported) if the storage cannot lock out writers meanwhile, or
    /// the store has no keyset.
    pub fn retire(&self) -> Result<usize> {
        if self.parts.key.is_none() {
            return Err(
                Error::new(ErrorKind::Unsupported, "retire").because("this store has no keyset")
            );
        }
        let Some(_guard) = self.lock_store(LockMode::Exclusive)? else {
            return Err(Error::new(ErrorKind::Unsupported, "retire").because(format!(
                "the storage {} cannot lock out writers",
                self.parts.storage.name
            )));
        };
        self.forget_keyset()?;
        let keyset = self.keyset(Missing::Error)?;
        if let Some(id) = self.old_entries(Some(&keyset)).next() {
            return Err(Error::new(ErrorKind::Conflict, "retire")
                .because(format!("{} is still sealed under an old key", id?))
                .hint("Run `keyward store rotate` first"));
        }
        self.change_keyset(|current| {
            // A lock that ends by itself may have ended, and a rotation may have begun.
            if *current != *keyset {
                return Err(Error::new(ErrorKind::Conflict, "retire")
                    .because("another process changed the keys meanwhile"));
            }
            current.retire();
            Ok(())
        })?;
        Ok(keyset.old_key_count())
    }

    /// Adds a key and makes it primary, in two steps that are each durable; or continues an
    /// interrupted rotation.
    fn add_key(&self) -> Result<()> {
        let _guard = self.lock_store(LockMode::Exclusive)?;
        self.forget_keyset()?;
        let keyset = self.keyset(Missing::Error)?;
        if !keyset.rotating {
            self.change_keyset(Keyset::add)?;
        }
        if !self.keyset(Missing::Error)?.is_promoted() {
            self.change_keyset(|keyset| {
                keyset.promote();
                Ok(())
            })?;
        }
        Ok(())
    }

    fn change_keyset(&self, change: impl FnOnce(&mut Keyset) -> Result<()>) -> Result<()> {
        self.replace_keyset(|keyset, _, parameters| {
            change(keyset)?;
            Ok(parameters)
        })
    }

    /// Replaces the keyset. `change` may change it; it gets the key that wraps it and the key's
    /// parameters, and returns the parameters to keep.
    pub(crate) fn replace_keyset(
        &self,
        change: impl FnOnce(&mut Keyset, &Secret, Vec<u8>) -> Result<Vec<u8>>,
    ) -> Result<()> {
        let entry = keyset_file::entry();
        let stored = match self.storage()?.get(&entry) {
            Err(error) if error.is_miss() => return Err(self.missing_sentinel()),
            other => self.in_storage(other)?,
        };
        let key = self.load_wrapping_key(&stored.blob)?;
        let mut keyset = keyset_file::unwrap(&self.parts, &stored.blob, &key)?;
        let (header, _) = keyset_file::Header::parse(&stored.blob, &self.parts)?;
        let parameters = change(&mut keyset, &key, header.parameters)?;
        let blob = keyset_file::wrap(&self.parts, &keyset, &key, &parameters)?;
        let kept = self.put_confirmed(&entry, &blob, Expect::Revision(stored.revision()));
        self.forget_keyset()?;
        kept
    }

    /// Returns the error for a change of the keyset in a storage where two changes at the same time
    /// could overwrite each other: records that were sealed with the lost key would be lost too.
    pub(crate) fn loses_keysets(&self, operation: &'static str) -> Error {
        let why = format!(
            "the storage {} can neither check conditions nor lock, so a key could be lost",
            self.parts.storage.name
        );
        Error::new(ErrorKind::Unsupported, operation)
            .because(why)
            .hint("Make a new store and set the entries there")
    }
}
