//! System stores, in which each user of the machine has a separate folder.
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

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_config::{Account, Config, StoreFile, account_of_uid, local_accounts};
use keyward_core::{
    Error, ErrorKind, Host, Keys, Level, OptionType, Result, Role, SecretRef, Value, Values,
};
use keyward_fs::{PrivateDir, report_folder_stays, report_link_stays};

use crate::facade::Keyward;
use users::{data, enrolled, is_root};

/// The file that holds a user's key.
const KEY: &str = "key";

/// The user ids that Debian gives to people.
const PEOPLE: std::ops::RangeInclusive<u32> = 1000..=59_999;

impl Keyward {
    /// Makes a central store, with folders in it for root and for the people of this machine.
    pub(crate) fn init_central(&self, mut file: StoreFile) -> Result<StoreFile> {
        require_root("make a system store")?;
        if self.config.find_store(&file.name)?.is_some() {
            return self.config.add_store(&file).map(|()| file);
        }
        self.settle(&mut file)?;
        make_shared(&data(&self.config, &file))?;
        if file.key.is_some() {
            make_shared(&keys(&self.config, &file))?;
        }
        // The store exists now: even if this is interrupted, users can still be enrolled.
        self.config.add_store(&file)?;
        self.enroll_people(&file)?;
        Ok(file)
    }

    fn enroll_people(&self, file: &StoreFile) -> Result<()> {
        let people = local_accounts().into_iter().filter(|account| PEOPLE.contains(&account.uid));
        for account in std::iter::once(account_of_uid(0)).chain(people) {
            match self.enroll_account(file, &account) {
                // An earlier store of this name left files behind.
                Err(error) if matches!(error.kind(), ErrorKind::Refused | ErrorKind::Corrupt) => {
                    self.interaction.log(
                        Level::Warning,
                        format_args!("{} is not enrolled: {error}", account.name),
                    );
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// Gives a user a folder in a central store. A folder that exists stays as it is.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) unless root asks; [`Invalid`](ErrorKind::Invalid) if the
    /// store is not central or there is no such user.
    pub fn enroll(&self, store: &str, user: &str) -> Result<()> {
        require_root("enroll users")?;
        let file = self.config.store(&keyward_config::StoreName::new(store)?)?;
        if !file.is_central() {
            return Err(Error::invalid("enroll", format!("`{}` is not a system store", file.name))
                .hint("Make a system store with `keyward init --system NAME`"));
        }
        self.enroll_account(&file, &users::account(Some(user))?)
    }

    fn enroll_account(&self, file: &StoreFile, account: &Account) -> Result<()> {
        let folder = account.uid.to_string();
        PrivateDir::make_for(&data(&self.config, file).join(&folder), account.uid)?;
        if file.key.is_some() {
            PrivateDir::make_for(&keys(&self.config, file).join(&folder), account.uid)?;
        }
        let store = self.assembler(Some(account.uid)).open(file)?;
        if store.is_created()? { store.check_key() } else { store.create() }
    }

    /// Removes a central store: for each user the key and the data, then the folders.
    ///
    /// The changes of one user to a folder do not keep other users' folders from being removed.
    /// Such a folder stays, and a warning says so.
    pub(crate) fn delete_central(&self, file: &StoreFile) -> Result<()> {
        require_root("remove a system store")?;
        self.config.mark_deleting(file)?;
        for account in enrolled(&self.config, file)? {
            for removed in [self.delete_key(file, &account), self.delete_data(file, &account)] {
                match removed {
                    Err(error) if error.kind() == ErrorKind::Refused => self.interaction.log(
                        Level::Warning,
                        format_args!(
                            "{}; the rest of the data of {} stays",
                            error.message(),
                            account.name
                        ),
                    ),
                    other => other?,
                }
            }
        }
        let host = self.assembler(None).host(file);
        remove_empty(&keys(&self.config, file), &host)?;
        remove_empty(&data(&self.config, file), &host)?;
        self.config.remove_store(&file.name)
    }

    /// Removes a user's key, which is always the one that enrolling made.
    fn delete_key(&self, file: &StoreFile, account: &Account) -> Result<()> {
        let path = keys(&self.config, file).join(account.uid.to_string());
        let Some(folder) = PrivateDir::open_for(&path, account.uid)? else { return Ok(()) };
        folder.remove(Path::new(KEY))?;
        if !folder.destroy()? {
            report_folder_stays(&self.assembler(Some(account.uid)).host(file), &path);
        }
        Ok(())
    }

    fn delete_data(&self, file: &StoreFile, account: &Account) -> Result<()> {
        let assembler = self.assembler(Some(account.uid));
        let host: Arc<dyn Host> = Arc::new(assembler.host(file));
        assembler.storage(file, &host)?.destroy()?;
        remove_empty(&data(&self.config, file).join(account.uid.to_string()), &*host)
    }

    /// Sets the paths of the storage and the key source to users' folders, and refuses backends
    /// that cannot separate users.
    fn settle(&self, file: &mut StoreFile) -> Result<()> {
        let refuse = |why: String| Err(Error::new(ErrorKind::Unsupported, "init").because(why));
        let folder = data(&self.config, file).join("%uid%");
        let storage = &mut file.storage;
        if !self.give_to_user(Role::Storage, &storage.name, &mut storage.options, &folder)? {
            return refuse(format!(
                "one {} storage cannot keep the users of a machine apart",
                storage.name
            ));
        }
        let assembler = self.assembler(Some(0));
        let host: Arc<dyn Host> = Arc::new(assembler.host(file));
        let abilities = assembler.encryption(file, &host)?.abilities();
        if abilities.keys == Keys::Own && abilities.authenticates {
            return refuse(format!(
                "one secret for all users would let each of them open every record: \
                 give {} a key for each user",
                file.encryption.name
            ));
        }
        if abilities.keys != Keys::Store {
            return Ok(());
        }
        if let Some(key) = &file.key {
            return refuse(format!(
                "one key from {} for all users would let each of them open every record: \
                 leave the key source out, and each user gets a separate key",
                key.from
            ));
        }
        let key = keys(&self.config, file).join("%uid%").join(KEY);
        for name in self.key_sources() {
            let mut options = Values::new();
            if self.give_to_user(Role::Key, name, &mut options, &key)? {
                file.key = Some(SecretRef { from: name.to_owned(), options });
                return Ok(());
            }
        }
        refuse("none of the key sources in `defaults.key` can keep a key for each user".into())
    }

    /// Sets the path of a backend to one user's path, and returns whether that is possible: the
    /// backend needs an option `owner`, and its first path option is set.
    fn give_to_user(
        &self,
        role: Role,
        name: &str,
        options: &mut Values,
        path: &Path,
    ) -> Result<bool> {
        let Ok(backend) = self.registry.find(role, name) else { return Ok(false) };
        let place = backend.options.iter().find(|spec| spec.kind == OptionType::Path);
        let owned = backend.options.iter().any(|spec| spec.name == "owner");
        let (Some(place), true) = (place, owned) else { return Ok(false) };
        options.insert(place.name, Value::Text(path.display().to_string()));
        options.insert("owner", Value::Text("%uid%".into()));
        Ok(true)
    }
}

fn keys(config: &Config, file: &StoreFile) -> PathBuf {
    config.places().system_config.join("keys").join(keyward_core::escape(file.name.as_str()))
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

fn require_root(what: &str) -> Result<()> {
    if is_root() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Refused, "open").because(format!("only root can {what}")))
}
