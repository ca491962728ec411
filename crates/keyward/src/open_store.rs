use keyward_config::StoreFile;
use keyward_core::{EntryId, Error, ErrorKind, Expect, Record, Result, Timestamp};
use keyward_store::Store;

use crate::credentials::Credentials;

/// A store, open, with the file that describes it.
#[derive(Debug)]
pub struct OpenStore {
    /// What describes it.
    pub file: StoreFile,
    /// The store itself, for everything that is not a username and a password.
    pub store: Store,
    pub(crate) default_user: String,
    pub(crate) now: Timestamp,
}

impl OpenStore {
    /// When it was opened: the time that records are dated by.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The entry of a user, or of the default one, under a name or without one.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if either part is not canonical.
    pub fn entry(&self, user: Option<&str>, name: Option<&str>) -> Result<EntryId> {
        EntryId::new(user.unwrap_or(&self.default_user), name)
    }

    /// The credentials of an entry; `None` if there are none.
    ///
    /// # Errors
    /// Those of the store, a missing entry excepted.
    pub fn get(&self, id: &EntryId) -> Result<Option<Credentials>> {
        match self.store.get(id) {
            Ok(record) => Credentials::try_from(&record).map(Some),
            Err(error) if error.is_miss() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps credentials in place of those that were there.
    ///
    /// # Errors
    /// Those of the store.
    pub fn set(&self, id: &EntryId, credentials: &Credentials) -> Result<()> {
        if self.file.deleting {
            return Err(
                Error::new(ErrorKind::Conflict, "set").because("the store is being removed")
            );
        }
        let mut record = Record::from(credentials);
        record.created = self.now;
        record.updated = self.now;
        self.store.put(id, &record, Expect::Any).map(drop)
    }

    /// Forgets an entry.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub fn unset(&self, id: &EntryId) -> Result<()> {
        self.store.delete(id, &Expect::Any)
    }
}
