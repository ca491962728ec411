//! System stores, in which each user of the machine has a separate place.
//!
//! ```text
//! /var/lib/keyward/STORE/         root's, 0711
//! /var/lib/keyward/STORE/UID/     that user's, 0700: the entries
//! /etc/keyward/keys/STORE/        root's, 0711
//! /etc/keyward/keys/STORE/UID/    that user's, 0700: the key
//! ```
//!
//! Only root makes users' folders, so that one user cannot take the place of another. There is no
//! setuid program, and no folder that all users can write to.

pub(crate) mod users;

use std::fmt::Arguments;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use keyward_config::{OsUser, StoreFile, local_users, user_of_uid};
use keyward_core::{
    Error, ErrorKind, Host, Keys, Level, Result, Role, SecretRef, Value, Values, escape,
};
use keyward_fs::{PrivateDir, report_folder_stays, report_link_stays};

use crate::facade::Keyward;
use users::is_root;

/// The file that holds a user's key.
const KEY: &str = "key";

/// The user ids that Debian gives to people.
const HUMAN_UIDS: std::ops::RangeInclusive<u32> = 1000..=59_999;

impl Keyward {
    /// Makes a user's place in a system store. A place that exists stays as it is.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) unless root asks; [`Invalid`](ErrorKind::Invalid) if the
    /// store is not a system store or there is no such user.
    pub fn enroll(&self, store: &str, user: &str) -> Result<()> {
        require_root("enroll users")?;
        let file = self.config.store(&self.config.store_called(store)?)?;
        if !file.per_user {
            return Err(Error::invalid("enroll", format!("`{}` is not a system store", file.name))
                .hint("Make a system store with `keyward init --system NAME`"));
        }
        SystemStore::new(self, &file).enroll(&users::find(Some(user))?)
    }
}

/// A system store, with the places of all its users.
#[derive(Debug)]
pub(crate) struct SystemStore<'a> {
    keyward: &'a Keyward,
    file: &'a StoreFile,
    /// Contains a folder with the entries of each user.
    data: PathBuf,
    /// Contains a folder with the key of each user.
    keys: PathBuf,
}

impl<'a> SystemStore<'a> {
    /// Returns the system store that a file describes.
    pub(crate) fn new(keyward: &'a Keyward, file: &'a StoreFile) -> Self {
        let config = &keyward.config;
        let data = users::data_folder(config, file);
        let keys = config.places().system_config.join("keys").join(escape(file.name.as_str()));
        Self { keyward, file, data, keys }
    }

    /// Makes the store, with places in it for root and for the people of this machine.
    pub(crate) fn create(&self) -> Result<()> {
        make_shared(&self.data)?;
        if self.file.key.is_some() {
            make_shared(&self.keys)?;
        }
        // The store exists now: even if this is interrupted, users can still be enrolled.
        self.keyward.config.add_store(self.file)?;
        self.enroll_people()
    }

    fn enroll_people(&self) -> Result<()> {
        let people = local_users().into_iter().filter(|user| HUMAN_UIDS.contains(&user.uid));
        for user in std::iter::once(user_of_uid(0)).chain(people) {
            match self.enroll(&user) {
                // An earlier store of this name left files behind.
                Err(error) if matches!(error.kind(), ErrorKind::Refused | ErrorKind::Corrupt) => {
                    self.warn(format_args!("{} is not enrolled: {error}", user.name));
                }
                other => other?,
            }
        }
        Ok(())
    }

    fn enroll(&self, user: &OsUser) -> Result<()> {
        let folder = user.uid.to_string();
        PrivateDir::make_for(&self.data.join(&folder), user.uid)?;
        if self.file.key.is_some() {
            PrivateDir::make_for(&self.keys.join(&folder), user.uid)?;
        }
        let store = self.keyward.opener(self.file, Some(user)).store()?;
        if store.is_created()? { store.check_key() } else { store.create() }
    }

    /// Removes the store: for each user the key and the data, then the folders.
    ///
    /// The changes of one user to a folder do not keep other users' folders from being removed.
    /// Such a folder stays, and a warning says so.
    pub(crate) fn delete(&self) -> Result<()> {
        require_root("remove a system store")?;
        let config = &self.keyward.config;
        config.mark_deleting(self.file)?;
        for user in users::enrolled(config, self.file)? {
            for removed in [self.delete_key(&user), self.delete_data(&user)] {
                match removed {
                    Err(error) if error.kind() == ErrorKind::Refused => {
                        let (why, name) = (error.message(), &user.name);
                        self.warn(format_args!("{why}; the rest of the data of {name} stays"));
                    }
                    other => other?,
                }
            }
        }
        let host = &*self.keyward.opener(self.file, None).host;
        remove_empty(&self.keys, host)?;
        remove_empty(&self.data, host)?;
        config.remove_store(&self.file.name)
    }

    /// Removes a user's key, which is always the one that enrolling made.
    fn delete_key(&self, user: &OsUser) -> Result<()> {
        let path = self.keys.join(user.uid.to_string());
        let Some(folder) = PrivateDir::open_for(&path, user.uid)? else { return Ok(()) };
        folder.remove(Path::new(KEY))?;
        if !folder.destroy()? {
            report_folder_stays(&*self.keyward.opener(self.file, None).host, &path);
        }
        Ok(())
    }

    fn delete_data(&self, user: &OsUser) -> Result<()> {
        let opener = self.keyward.opener(self.file, Some(user));
        opener.storage()?.destroy()?;
        remove_empty(&self.data.join(user.uid.to_string()), &*opener.host)
    }

    fn warn(&self, message: Arguments<'_>) {
        self.keyward.interaction.log(Level::Warning, message);
    }

    /// Sets the options of the storage and the key source to a place for each user, and refuses
    /// backends that cannot separate users.
    pub(crate) fn assign_places(&self, key_sources: &[&str]) -> Result<StoreFile> {
        let mut file = StoreFile { per_user: true, ..self.file.clone() };
        let storage = &mut file.storage;
        let folder = self.data.join("%uid%");
        if !self.assign_place(Role::Storage, &storage.name, &mut storage.options, &folder) {
            return Err(refused(format!(
                "the storage {} cannot separate the users of a machine",
                storage.name
            )));
        }
        file.key = self.key_per_user(&file, key_sources)?;
        Ok(file)
    }

    /// Returns the key source that has a separate key for each user, if the encryption needs one.
    fn key_per_user(&self, file: &StoreFile, sources: &[&str]) -> Result<Option<SecretRef>> {
        let root = user_of_uid(0);
        let abilities = self.keyward.opener(file, Some(&root)).encryption()?.abilities();
        if abilities.keys == Keys::Own && abilities.authenticates {
            return Err(refused(format!(
                "one secret for all users would let each of them open every record: \
                 give {} a key for each user",
                file.encryption.name
            )));
        }
        if abilities.keys != Keys::Store {
            return Ok(file.key.clone());
        }
        if let Some(key) = &file.key {
            return Err(refused(format!(
                "one key from {} for all users would let each of them open every record: \
                 leave the key source out, and each user gets a separate key",
                key.from
            )));
        }
        let path = self.keys.join("%uid%").join(KEY);
        for name in sources {
            let mut options = Values::new();
            if self.assign_place(Role::Key, name, &mut options, &path) {
                return Ok(Some(SecretRef { from: (*name).to_owned(), options }));
            }
        }
        Err(refused("none of the key sources in `defaults.key` can keep a key for each user"))
    }

    /// Sets the options of a backend to one user's place, and returns whether the backend can keep a
    /// separate place for each user.
    fn assign_place(&self, role: Role, name: &str, options: &mut Values, path: &Path) -> bool {
        let backend = self.keyward.registry.find(role, name);
        let Some(place) = backend.ok().and_then(|backend| backend.per_user) else {
            return false;
        };
        options.insert(place, Value::Text(path.display().to_string()));
        options.insert("owner", Value::Text("%uid%".into()));
        true
    }
}

/// Makes a folder of root that all users can pass through and only root can list.
fn make_shared(path: &Path) -> Result<()> {
    PrivateDir::create(path)?;
    for folder in path.ancestors().take(2) {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711))
            .map_err(|error| Error::io("create", error))?;
    }
    Ok(())
}

/// Removes a folder if it is empty and is not a symbolic link.
fn remove_empty(path: &Path, host: &dyn Host) -> Result<()> {
    if report_link_stays(host, path) {
        return Ok(());
    }
    match std::fs::remove_dir(path) {
        Ok(()) => Ok(()),
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::DirectoryNotEmpty
            ) =>
        {
            Ok(())
        }
        Err(error) => Err(Error::io("destroy", error)),
    }
}

pub(crate) fn require_root(what: &str) -> Result<()> {
    if is_root() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Refused, "open").because(format!("only root can {what}")))
}

fn refused(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unsupported, "init").because(why)
}
