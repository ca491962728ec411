use std::ops::Deref;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use keyward_config::{Interaction, OsUser, StoreFile, within};
use keyward_core::{
    Change, EntryId, Error, ErrorKind, Expect, Level, Network, Record, Result, Timestamp,
};
use keyward_kinds::{Changes, Kind, Kinds, UserPassword as Credentials, names};
use keyward_store::Store;

use crate::audit::{Audit, Given};
use crate::facade::Keyward;
use crate::system_store::users;

/// How old the time of use in a record must be before it is replaced.
const USE_IS_NOTED_AFTER: Duration = Duration::from_secs(3600);

/// How long the writer of a time of use waits for others.
const NOTING_MAY_TAKE: Duration = Duration::from_secs(2);

impl Keyward {
    /// Opens a store. Of a system store, it opens the place of the user who runs the program.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there is none of this name.
    pub fn store(&self, name: &str) -> Result<OpenStore> {
        self.store_of(name, None)
    }

    /// Opens a store for a user. This matters for system stores, in which each user of the machine
    /// has a separate place.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there is no store of this name, or, for a
    /// system store, no such user.
    pub fn store_of(&self, name: &str, user: Option<&str>) -> Result<OpenStore> {
        self.store_from(self.config.store(&self.config.store_called(name)?)?, user)
    }

    /// Opens the store that this file describes, for a caller that has already read the file.
    ///
    /// # Errors
    /// As [`store_of`](Self::store_of).
    pub fn store_from(&self, file: StoreFile, user: Option<&str>) -> Result<OpenStore> {
        let user = if file.per_user { Some(users::find(user)?) } else { None };
        self.open_for(file, user)
    }

    /// Opens a store once for each user whose place the caller may see: a system store for all of
    /// its users if the caller is root, any other store once.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub fn stores_of_all(&self, name: &str) -> Result<Vec<OpenStore>> {
        let file = self.config.store(&self.config.store_called(name)?)?;
        if !file.per_user {
            return Ok(vec![self.open_for(file, None)?]);
        }
        let users = users::enrolled(&self.config, &file)?;
        users.into_iter().map(|user| self.open_for(file.clone(), Some(user))).collect()
    }

    fn open_for(&self, file: StoreFile, user: Option<OsUser>) -> Result<OpenStore> {
        Ok(OpenStore {
            store: self.opener(&file, user.as_ref()).store()?,
            default_user: match user {
                Some(user) => user.name,
                None => self.config.default_user(Some(&file)),
            },
            file,
            audit: self.audit(),
            interaction: Arc::clone(&self.interaction),
        })
    }
}

/// An open store, with the file that describes it. It has all methods of [`Store`], and those for
/// usernames and passwords.
#[derive(Debug)]
pub struct OpenStore {
    /// The file that describes it.
    pub file: StoreFile,
    store: Store,
    default_user: String,
    audit: Audit,
    interaction: Arc<dyn Interaction>,
}

impl Deref for OpenStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl OpenStore {
    pub(crate) fn into_store(self) -> Store {
        self.store
    }

    /// Returns how services are reached.
    pub(crate) fn network(&self) -> Result<Network> {
        self.audit.config.network()
    }

    /// Returns the kinds, with that of this name.
    pub(crate) fn kinds_with(&self, name: &str) -> Kinds {
        self.audit.config.kinds_with(name)
    }

    /// Returns this user, or the default user of the store.
    pub fn user<'a>(&'a self, user: Option<&'a str>) -> &'a str {
        user.unwrap_or(&self.default_user)
    }

    /// Returns the id of a user's entry, with or without a name. Without a user, it is the default
    /// user's.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if either part is not canonical.
    pub fn entry(&self, user: Option<&str>, name: Option<&str>) -> Result<EntryId> {
        EntryId::new(self.user(user), name)
    }

    /// Returns the credentials of an entry, which counts as [giving them out](Self::give_out); `None`
    /// if there are none.
    ///
    /// # Errors
    /// Those of the store, except for a missing entry.
    pub fn credentials(&self, id: &EntryId) -> Result<Option<Credentials>> {
        match self.get(id) {
            Ok(record) => {
                let credentials = Credentials::try_from(&record)?;
                self.give_out(slice::from_ref(id))?;
                Ok(Some(credentials))
            }
            Err(error) if error.is_miss() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes down that the records of these entries are given out, in the files of the setting
    /// `audit.file` and, if the store tracks that, in the records.
    ///
    /// Call it before a record that [`get`](Store::get) returned leaves the program.
    ///
    /// # Errors
    /// Those of writing these files. Then do not give the records out.
    pub fn give_out(&self, ids: &[EntryId]) -> Result<()> {
        self.give_out_as(&format!("store {}", self.file.name), ids)
    }

    /// Does the same for a source of this name.
    pub(crate) fn give_out_as(&self, source: &str, ids: &[EntryId]) -> Result<()> {
        let store = Some(self.file.name.as_str());
        let given =
            ids.iter().map(|id| Given { store, user: Some(id.user()), name: id.name(), source });
        self.audit.add(&given.collect::<Vec<_>>())?;
        // Where the last writer wins, the change of another one could be lost.
        if self.file.track_use && !self.last_writer_wins() {
            ids.iter().for_each(|id| self.note_use(id));
        }
        Ok(())
    }

    /// Writes the time into a record, unless it has one of the last hour. A store that cannot be
    /// written, or not soon, can still be read.
    fn note_use(&self, id: &EntryId) {
        let now = self.now();
        let is_recent = |used: Timestamp| used <= now && now < used.after(USE_IS_NOTED_AFTER);
        let noted = within(NOTING_MAY_TAKE, || {
            self.update(id, |record| match record {
                Some(record) if !record.used.is_some_and(is_recent) => {
                    Ok(Change::Put(Box::new(record.with_used(Some(now)))))
                }
                _ => Ok(Change::Leave),
            })
        });
        if let Err(error) = noted {
            let message = format_args!("the time of use was not written: {error}");
            self.interaction.log(Level::Debug, message);
        }
    }

    /// Stores credentials, and replaces earlier ones. All else in the record stays as it is, as far
    /// as [`Credentials::write`] keeps it. A record that does not open is replaced.
    ///
    /// # Errors
    /// Those of the store; [`Exists`](ErrorKind::Exists) if the entry contains a record of another
    /// kind.
    pub fn set_credentials(&self, id: &EntryId, credentials: &Credentials) -> Result<()> {
        self.check_not_deleting()?;
        self.update_or_replace(id, |old| {
            let now = self.now();
            let old = old.unwrap_or_else(|| Record::new("").with_created(now));
            Ok(Change::Put(Box::new(credentials.write(old)?.with_updated(now))))
        })
    }

    /// Changes the record of an entry, or makes it. A record that does not open is replaced if the
    /// changes make a whole record.
    ///
    /// # Errors
    /// Those of the store, and of [`Changes::apply`].
    pub fn change(&self, id: &EntryId, kind: &Kind, changes: &Changes) -> Result<()> {
        self.check_not_deleting()?;
        self.update_or_replace(id, |old| {
            Ok(Change::Put(Box::new(changes.apply(kind, old, self.now())?)))
        })
    }

    /// Checks that the store is not being removed, so that an entry may be added.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if it is being removed.
    pub fn check_not_deleting(&self) -> Result<()> {
        if !self.file.deleting {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Conflict, "set").because("the store is being removed"))
    }

    /// Removes an entry. A record that does not open is removed too.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none; [`Exists`](ErrorKind::Exists) if the
    /// entry is the list of a user's accounts at an origin.
    pub fn unset(&self, id: &EntryId) -> Result<()> {
        let removed = self.update(id, |old| match old {
            None => Err(Error::not_found("unset")),
            Some(record) if record.kind == names::ACCOUNTS => Err(is_list_of_accounts()),
            Some(_) => Ok(Change::Remove),
        });
        match removed {
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NoKey) => {
                self.delete(id, &Expect::Any)
            }
            removed => removed,
        }
    }
}

fn is_list_of_accounts() -> Error {
    Error::new(ErrorKind::Exists, "unset")
        .because("the entry lists the accounts of an origin")
        .hint("Remove the accounts with `keyward account rm`")
}

#[cfg(test)]
mod tests {
    use keyward_config::{Environment, Silent};
    use keyward_core::{Field, Origin, Timestamp};
    use keyward_defaults as _;

    use super::*;
    use crate::{Keyward, NewStore};

    #[test]
    fn another_password_is_for_the_same_origins() {
        let home = tempfile::tempdir().unwrap();
        let keyward = Keyward::with(Environment::new([("HOME", home.path())]), Silent).unwrap();
        let memory = NewStore { storage: Some("memory".into()), ..NewStore::named("s").unwrap() };
        keyward.init_store(&memory).unwrap();
        let store = keyward.store("s").unwrap();
        let id = store.entry(Some("ann"), None).unwrap();
        let origin = Origin { scheme: "https".into(), host: "x".into(), port: 443 };
        let mut record = Record::from(&Credentials::new("ann", "old")).with("x", Field::open("y"));
        record.created = Timestamp::from_unix(7);
        record.used = Some(Timestamp::from_unix(8));
        record.origins.push(origin.clone());
        record.labels.insert("team".into(), "red".into());
        store.put(&id, &record, Expect::Any).unwrap();
        store.set_credentials(&id, &Credentials::new("ann", "new")).unwrap();
        let changed = store.get(&id).unwrap();
        assert_eq!(store.credentials(&id).unwrap().unwrap().password.expose(), b"new");
        assert_eq!((changed.created, changed.origins), (Timestamp::from_unix(7), vec![origin]));
        assert_eq!((changed.labels, changed.used), (record.labels, record.used));
        assert_eq!(changed.fields.get("x"), Some(&Field::open("y")));
        assert!(changed.updated > changed.created);
    }

    #[test]
    fn a_list_of_accounts_is_not_unset() {
        let home = tempfile::tempdir().unwrap();
        let keyward = Keyward::with(Environment::new([("HOME", home.path())]), Silent).unwrap();
        let memory = NewStore { storage: Some("memory".into()), ..NewStore::named("s").unwrap() };
        keyward.init_store(&memory).unwrap();
        let store = keyward.store("s").unwrap();
        let id = store.entry(Some("ann"), Some("https://x")).unwrap();
        store.put(&id, &Record::new(names::ACCOUNTS), Expect::Any).unwrap();
        assert_eq!(store.unset(&id).unwrap_err().kind(), ErrorKind::Exists);
        assert!(store.contains(&id).unwrap());
        store.put(&id, &Record::new("token"), Expect::Any).unwrap();
        store.unset(&id).unwrap();
        assert!(store.unset(&id).unwrap_err().is_miss());
    }
}
