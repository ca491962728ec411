use keyward_config::StoreFile;
use keyward_core::{Change, EntryId, Error, ErrorKind, Expect, Record, Result, Timestamp};
use keyward_store::Store;

use crate::credentials::Credentials;

/// An open store, with the file that describes it.
#[derive(Debug)]
pub struct OpenStore {
    /// The file that describes it.
    pub file: StoreFile,
    /// The store itself, for everything other than usernames and passwords.
    pub store: Store,
    pub(crate) default_user: String,
    pub(crate) now: Timestamp,
}

impl OpenStore {
    /// When it was opened. Records get this time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the id of a user's entry, with or without a name. Without a user, it is the default
    /// user's.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if either part is not canonical.
    pub fn entry(&self, user: Option<&str>, name: Option<&str>) -> Result<EntryId> {
        EntryId::new(user.unwrap_or(&self.default_user), name)
    }

    /// Returns the credentials of an entry; `None` if there are none.
    ///
    /// # Errors
    /// Those of the store, except for a missing entry.
    pub fn get(&self, id: &EntryId) -> Result<Option<Credentials>> {
        match self.store.get(id) {
            Ok(record) => Credentials::try_from(&record).map(Some),
            Err(error) if error.is_miss() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Stores credentials, and replaces earlier ones. The origins, the labels and the creation time
    /// of the entry stay as they are. A record that does not open is replaced.
    ///
    /// # Errors
    /// Those of the store; [`Exists`](ErrorKind::Exists) if the entry contains a record of another
    /// kind.
    pub fn set(&self, id: &EntryId, credentials: &Credentials) -> Result<()> {
        self.check_staying()?;
        self.store.update_or_replace(id, |old| {
            let new = || Record { created: self.now, ..Record::new("") };
            let record = credentials.replace(old.unwrap_or_else(new))?;
            Ok(Change::Put(Box::new(Record { updated: self.now, ..record })))
        })
    }

    /// Checks that the store is not being removed, so that an entry may be added.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if it is being removed.
    pub fn check_staying(&self) -> Result<()> {
        if !self.file.deleting {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Conflict, "set").because("the store is being removed"))
    }

    /// Removes an entry.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub fn unset(&self, id: &EntryId) -> Result<()> {
        self.store.delete(id, &Expect::Any)
    }
}

#[cfg(test)]
mod tests {
    use keyward_config::{Environment, Silent};
    use keyward_core::Origin;
    use keyward_defaults as _;

    use super::*;
    use crate::{Keyward, NewStore};

    #[test]
    fn another_password_is_for_the_same_origins() {
        let home = tempfile::tempdir().unwrap();
        let keyward = Keyward::with(Environment::of([("HOME", home.path())]), Silent).unwrap();
        let memory = NewStore { storage: Some("memory".into()), ..NewStore::named("s").unwrap() };
        keyward.init_store(&memory).unwrap();
        let store = keyward.store("s").unwrap();
        let id = store.entry(Some("ann"), None).unwrap();
        let origin = Origin { scheme: "https".into(), host: "x".into(), port: 443 };
        let mut record = Record::from(&Credentials::new("ann", "old"));
        record.created = Timestamp::from_unix(7);
        record.origins.push(origin.clone());
        record.labels.insert("team".into(), "red".into());
        store.store.put(&id, &record, Expect::Any).unwrap();
        store.set(&id, &Credentials::new("ann", "new")).unwrap();
        let changed = store.store.get(&id).unwrap();
        assert_eq!(store.get(&id).unwrap().unwrap().password.expose(), b"new");
        assert_eq!((changed.created, changed.origins), (Timestamp::from_unix(7), vec![origin]));
        assert_eq!(changed.labels, record.labels);
        assert_eq!(changed.updated, store.now());
    }
}
