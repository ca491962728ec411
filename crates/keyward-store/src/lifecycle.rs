//! Creates and destroys a store.

use keyward_core::{EntryId, Error, ErrorKind, Expect, Keys, Level, Result, Stored};

use crate::keyset_cache::Missing;
use crate::keyset_file;
use crate::owner::owner;
use crate::store::Store;

impl Store {
    /// Creates what the store needs before its first record: its keyset, or the mark in place of
    /// one.
    ///
    /// # Errors
    /// Those of key source and storage; [`destroy`](Self::destroy) removes a store that was not
    /// completed. [`Refused`](ErrorKind::Refused) if the storage already contains something, which
    /// cannot belong to this store.
    pub fn create(&self) -> Result<()> {
        if self.parts.envelope {
            self.check_empty()?;
        }
        match self.parts.encryption.backend.abilities().keys {
            Keys::Store => self.create_keyset().map(drop),
            Keys::None => self.put_mark(),
            Keys::Own => {
                self.check_own_keys()?;
                self.put_mark()
            }
        }
    }

    /// Refuses an encryption that could never seal anything, such as one without recipients. A key
    /// that is missing now may exist later.
    fn check_own_keys(&self) -> Result<()> {
        match self.key_for(&EntryId::reserved("store"), None) {
            Err(error) if error.kind() == ErrorKind::Invalid => Err(error),
            _ => Ok(()),
        }
    }

    /// Refuses a storage that contains entries.
    fn check_empty(&self) -> Result<()> {
        match self.all_entries().next() {
            None => Ok(()),
            // Something that is not an entry does not belong to another store. It stays as it is.
            Some(Err(error)) if error.kind() == ErrorKind::Corrupt => Ok(()),
            Some(id) => self.in_storage(Err(Error::new(ErrorKind::Refused, "create")
                .because(format!("the storage is not empty: it contains {}", id?))
                .hint("Give the store a separate place"))),
        }
    }

    /// Asks the key source for the store's key and unwraps the keyset with it, without opening any
    /// entry. Without a keyset, it checks that the storage belongs to the store.
    ///
    /// # Errors
    /// Those of key source and storage.
    pub fn check_key(&self) -> Result<()> {
        if self.parts.encryption.backend.abilities().keys != Keys::Store {
            return self.check_present();
        }
        if self.starts_empty() && self.read_keyset().is_err_and(|error| error.is_miss()) {
            return Ok(());
        }
        self.keyset(Missing::Error).map(drop)
    }

    /// Removes all entries, and the key that was made for this store; never a supplied one.
    ///
    /// The key is deleted first: afterwards the remaining data cannot be opened. If the work is
    /// interrupted, another call completes it. Entries in the storage that do not belong to this
    /// store stay, and a warning reports them. Without envelopes all records stay: they do not name
    /// their store, and other programs may use them.
    ///
    /// # Errors
    /// Those of key source and storage.
    pub fn destroy(&self) -> Result<()> {
        self.delete_key()?;
        if !self.parts.envelope {
            let message = format_args!("the records stay: other programs may be reading them too");
            self.parts.host.log(Level::Warning, message);
            return Ok(());
        }
        // Asked by name first: a listing may end at an unsafe entry before it comes to this one.
        if self.belongs_to_another_store()? {
            return self.delete_own();
        }
        // A damaged or unsafe entry does not name its store. The storage removes it, or refuses to.
        match self.holds_foreign() {
            Ok(true) => return self.delete_own(),
            Err(error) if !is_unusable(&error) => return Err(error),
            Ok(false) | Err(_) => {}
        }
        self.in_storage(self.storage()?.destroy())
    }

    /// Makes the key source delete the key that it made for this store.
    ///
    /// Without authentic parameters, it deletes only a key that is named by the store's id alone.
    fn delete_key(&self) -> Result<()> {
        let Some(source) = &self.parts.key else { return Ok(()) };
        let parameters = self.authentic_parameters()?.unwrap_or_default();
        source
            .backend
            .delete(&keyset_file::wrapping_key(self.parts.id), &parameters)
            .map_err(|error| source.failed(error))
    }

    /// Returns the parameters of the key, if they are those that the key source returned.
    ///
    /// They come from the storage, which may have changed them. They are authentic if the keyset
    /// opens with the key to which they lead.
    fn authentic_parameters(&self) -> Result<Option<Vec<u8>>> {
        let blob = match self.read_keyset() {
            Ok(blob) => blob,
            Err(error) if error.is_miss() || is_unusable(&error) => return Ok(None),
            Err(error) => return self.in_storage(Err(error)),
        };
        let opened = self
            .load_wrapping_key(&blob)
            .and_then(|key| keyset_file::unwrap(&self.parts, &blob, &key))
            .and_then(|_| keyset_file::Header::parse(&blob, &self.parts));
        Ok(opened.ok().map(|(header, _)| header.parameters))
    }

    /// Whether the keyset or the mark in the storage names another store.
    fn belongs_to_another_store(&self) -> Result<bool> {
        for name in ["keyset", "mark"] {
            match self.storage()?.get(&EntryId::reserved(name)) {
                Ok(stored) if owner(&stored.blob).is_some_and(|store| store != self.parts.id) => {
                    return Ok(true);
                }
                Err(error) if !error.is_miss() && !is_unusable(&error) => {
                    return self.in_storage(Err(error));
                }
                Ok(_) | Err(_) => {}
            }
        }
        Ok(false)
    }

    fn holds_foreign(&self) -> Result<bool> {
        for blob in self.blobs(self.all_entries()) {
            if self.why_not_own(blob?.1)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn delete_own(&self) -> Result<()> {
        for id in self.all_entries() {
            let id = match id {
                // Something that is not even an entry, or is unsafe, does not belong to this store.
                Err(error) if is_unusable(&error) => {
                    self.parts.host.log(Level::Warning, format_args!("{error}; it stays"));
                    continue;
                }
                id => id?,
            };
            if let Some(why) = self.why_not_own(self.storage()?.get(&id))? {
                self.parts.host.log(Level::Warning, format_args!("{id} {why}; it stays"));
                continue;
            }
            match self.storage()?.delete(&id, &Expect::Any) {
                Err(error) if error.is_miss() => {}
                other => self.in_storage(other)?,
            }
        }
        Ok(())
    }

    /// Returns why it is not certain that this store wrote what the storage returned for an entry;
    /// `None` if it did.
    fn why_not_own(&self, stored: Result<Stored>) -> Result<Option<String>> {
        match stored {
            Ok(stored) => Ok(match owner(&stored.blob) {
                Some(store) if store == self.parts.id => None,
                Some(_) => Some("belongs to another store".to_owned()),
                None => Some("is damaged, or not a record of Keyward".to_owned()),
            }),
            Err(error) if error.is_miss() => Ok(None),
            Err(error) if is_unusable(&error) => Ok(Some(format!("cannot be read: {error}"))),
            Err(error) => self.in_storage(Err(error)),
        }
    }
}

/// Whether there is something that cannot be read: it belongs to another owner, is open to other
/// users, is a symbolic link, is too large, or is damaged.
fn is_unusable(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Refused | ErrorKind::Corrupt)
}
