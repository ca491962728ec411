//! The beginning and the end of a store.

use keyward_core::{EntryId, Error, ErrorKind, Expect, Keys, Level, Result};

use crate::keyset_file;
use crate::owner::owner;
use crate::seal::Missing;
use crate::store::Store;

impl Store {
    /// Makes what the store needs before its first record: its keyset, or the mark that stands for one.
    ///
    /// # Errors
    /// Those of key source and storage; a half-made store is undone by
    /// [`destroy`](Self::destroy). [`Refused`](ErrorKind::Refused) if something is in the storage
    /// already, which cannot be this store's.
    pub fn create(&self) -> Result<()> {
        if self.parts.envelope {
            self.check_empty()?;
        }
        match self.parts.encryption.it.abilities().keys {
            Keys::Store => self.create_keyset().map(drop),
            Keys::None => self.leave_mark(),
            Keys::Own => {
                self.check_own_keys()?;
                self.leave_mark()
            }
        }
    }

    /// Refuses an encryption that could never seal anything, such as one without recipients. A key
    /// that is not there yet may come.
    fn check_own_keys(&self) -> Result<()> {
        match self.key_for(&EntryId::reserved("store"), None) {
            Err(error) if error.kind() == ErrorKind::Invalid => Err(error),
            _ => Ok(()),
        }
    }

    /// Refuses a storage that holds entries.
    fn check_empty(&self) -> Result<()> {
        match self.everything().next() {
            None => Ok(()),
            // What is not an entry is no other store's. It stays as it is.
            Some(Err(error)) if error.kind() == ErrorKind::Corrupt => Ok(()),
            Some(id) => self.in_storage(Err(Error::new(ErrorKind::Refused, "create")
                .because(format!("there is something in the storage already: {}", id?))
                .hint("Give the store a place of its own"))),
        }
    }

    /// Asks the key source for the store's key and unwraps the keyset with it, without opening
    /// any entry. Where there is no keyset, it checks that the storage is the store's.
    ///
    /// # Errors
    /// Those of key source and storage.
    pub fn check_key(&self) -> Result<()> {
        if self.parts.encryption.it.abilities().keys != Keys::Store {
            return self.check_present();
        }
        if self.starts_empty() && self.read_keyset().is_err_and(|error| error.is_miss()) {
            return Ok(());
        }
        self.keyset(Missing::Error).map(drop)
    }

    /// Removes all entries, and the key that was made for this store; never a supplied one.
    ///
    /// The key goes first: from then on nothing opens what is still left of the data. Starting
    /// again after an interruption finishes the work. What stands in the storage and is not this
    /// store's stays, and a warning says so. So does everything where there are no envelopes: it
    /// cannot be told whose it is, and other programs may live on it.
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
        // What is damaged or unsafe cannot be told apart: the storage removes it, or refuses to.
        match self.holds_foreign() {
            Ok(true) => return self.delete_own(),
            Err(error) if !is_unusable(&error) => return Err(error),
            Ok(false) | Err(_) => {}
        }
        self.in_storage(self.parts.storage.it.destroy())
    }

    /// Has the key source delete the key that it made for this store.
    ///
    /// Without authentic parameters, it deletes only what the store's id alone names.
    fn delete_key(&self) -> Result<()> {
        let Some(source) = &self.parts.key else { return Ok(()) };
        let parameters = self.authentic_parameters()?.unwrap_or_default();
        source
            .it
            .delete(&keyset_file::wrapping_key(self.parts.id), &parameters)
            .map_err(|error| source.failed(error))
    }

    /// The parameters of the key, if they are those that the key source gave.
    ///
    /// They come from the storage, which may have changed them. They are authentic if the keyset opens
    /// with the key that they lead to.
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

    fn holds_foreign(&self) -> Result<bool> {
        for id in self.everything() {
            if !self.is_own(&id?)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn delete_own(&self) -> Result<()> {
        for id in self.everything() {
            let id = match id {
                // What is not even an entry is not this store's. It comes after all entries.
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    self.parts.host.log(Level::Warning, format_args!("{error}; it stays"));
                    continue;
                }
                id => id?,
            };
            if !self.is_own(&id)? {
                let message = format_args!("{id} is in the storage and not this store's; it stays");
                self.parts.host.log(Level::Warning, message);
                continue;
            }
            match self.parts.storage.it.delete(&id, &Expect::Any) {
                Err(error) if error.is_miss() => {}
                other => self.in_storage(other)?,
            }
        }
        Ok(())
    }

    /// Whether what the storage holds under this id was written by this store.
    fn is_own(&self, id: &EntryId) -> Result<bool> {
        match self.parts.storage.it.get(id) {
            Ok(stored) => Ok(owner(&stored.blob) == Some(self.parts.id)),
            Err(error) if error.is_miss() => Ok(true),
            Err(error) if is_unusable(&error) => Ok(false),
            Err(error) => self.in_storage(Err(error)),
        }
    }
}

/// Whether something is there that cannot be read: of another owner, open to others, a symbolic
/// link, too large, damaged.
fn is_unusable(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Refused | ErrorKind::Corrupt)
}
