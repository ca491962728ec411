//! Makes a store.

use std::time::Duration;

use keyward_config::{BackendConfig, Layer, StoreFile, within};
use keyward_core::{
    Error, ErrorKind, Keys, Level, Persistence, Result, Role, SecretRef, StoreId, Values,
};
use keyward_fs::random;

use crate::facade::Keyward;
use crate::new_store::NewStore;
use crate::system_store::{SystemStore, require_root};

/// How long a key source that the user did not choose may take to answer.
const PROBE: Duration = Duration::from_secs(2);

impl Keyward {
    /// Makes a store, and returns the file that describes it.
    ///
    /// If the encryption needs a key source and none is chosen, the setting `defaults.key` lists
    /// those to try: all but the last must answer within two seconds, without a prompt.
    ///
    /// # Errors
    /// [`Exists`](ErrorKind::Exists) if there is a store of this name. A store that could not be
    /// made leaves nothing behind.
    pub fn init_store(&self, new: &NewStore) -> Result<StoreFile> {
        if new.system {
            return self.init_system_store(new);
        }
        let mut file = self.describe(new)?;
        self.config.check_owner(file.layer)?;
        if self.config.find_store(&new.name)?.is_some() {
            return self.config.add_store(&file).map(|()| file);
        }
        let keyed = self.needs_key_source(&file)?;
        if keyed {
            file = self.make_with_key(new, file)?;
        } else {
            self.make(&file)?;
        }
        if let Err(error) = self.config.add_store(&file) {
            // Only the keyset was made now; everything else existed before.
            if keyed {
                self.open_for_removal(&file)?.destroy()?;
            }
            // The disk may have failed after the file was written.
            if self.config.find_store(&file.name)?.is_some_and(|found| found.id == file.id) {
                self.config.remove_store(&file.name)?;
            }
            return Err(error);
        }
        Ok(file)
    }

    fn init_system_store(&self, new: &NewStore) -> Result<StoreFile> {
        let file = self.describe(new)?;
        require_root("make a system store")?;
        if self.config.find_store(&file.name)?.is_some() {
            return self.config.add_store(&file).map(|()| file);
        }
        let file = SystemStore::new(self, &file).assign_places(&self.key_sources())?;
        SystemStore::new(self, &file).create()?;
        Ok(file)
    }

    /// Returns the file of a new store, without a key source if none was chosen.
    fn describe(&self, new: &NewStore) -> Result<StoreFile> {
        let chosen = |role: Role, name: &Option<String>| -> Result<BackendConfig> {
            let default = || self.config.settings().text(&format!("defaults.{role}"));
            let name = name.as_deref().or_else(default).unwrap_or_default();
            Ok(BackendConfig {
                name: name.to_owned(),
                options: self.options(new, role, name, &Values::new())?,
            })
        };
        let layer = if new.system { Layer::System } else { Layer::User };
        let key = new.key.as_ref().map(|reference| self.key_source(new, reference)).transpose()?;
        Ok(StoreFile {
            name: new.name.clone(),
            id: StoreId(random()?),
            layer,
            path: self.config.new_store_path(&new.name, layer),
            user: None,
            per_user: false,
            envelope: new.envelope,
            track_use: new.track_use,
            deleting: false,
            serializer: chosen(Role::Serializer, &new.serializer)?,
            encryption: chosen(Role::Encryption, &new.encryption)?,
            key,
            storage: chosen(Role::Storage, &new.storage)?,
        })
    }

    /// Returns all options of a backend, so that a later default does not change the store: those
    /// from the configuration, those of the caller, and `given`.
    fn options(&self, new: &NewStore, role: Role, name: &str, given: &Values) -> Result<Values> {
        let table = self.registry.find(role, name)?.options;
        let settings = self.config.settings();
        let mut options = settings.backend_defaults(role, name);
        let chosen = new.options.iter().filter(|(of, _)| *of == role).map(|(_, values)| values);
        for (key, value) in chosen.chain([given]).flat_map(Values::iter) {
            options.insert(key, value.clone());
        }
        options.complete(table).map_err(|wrong| settings.locate(role, name, wrong))
    }

    fn key_source(&self, new: &NewStore, reference: &SecretRef) -> Result<SecretRef> {
        let options = self.options(new, Role::Key, &reference.from, &reference.options)?;
        Ok(SecretRef { from: reference.from.clone(), options })
    }

    fn needs_key_source(&self, file: &StoreFile) -> Result<bool> {
        let opener = self.opener(file, None);
        let keys = opener.encryption()?.abilities().keys;
        let persistence = opener.storage()?.abilities().persistence;
        Ok(keys == Keys::Store && persistence > Persistence::Process)
    }

    /// Makes the store with the chosen key source, or with the first one that works.
    fn make_with_key(&self, new: &NewStore, mut file: StoreFile) -> Result<StoreFile> {
        if file.key.is_some() {
            self.make(&file)?;
            return Ok(file);
        }
        let sources = self.key_sources();
        let (last, optional) = sources
            .split_last()
            .ok_or_else(|| Error::invalid("init", "`defaults.key` names no key source"))?;
        for name in optional.iter().filter(|name| self.registry.find(Role::Key, name).is_ok()) {
            file.key = Some(self.key_source(new, &reference(name))?);
            match within(PROBE, || self.make(&file)) {
                Ok(()) => return Ok(file),
                Err(error) if allows_next_source(error.kind()) => {
                    self.interaction.log(Level::Info, format_args!("{error}"));
                }
                Err(error) => return Err(error),
            }
        }
        file.key = Some(self.key_source(new, &reference(last))?);
        self.make(&file)?;
        Ok(file)
    }

    /// Returns the key sources for new stores, in the order in which they are tried.
    fn key_sources(&self) -> Vec<&str> {
        self.config.settings().texts("defaults.key")
    }

    fn make(&self, file: &StoreFile) -> Result<()> {
        self.opener(file, None).store()?.create()
    }
}

fn reference(name: &str) -> SecretRef {
    SecretRef { from: name.to_owned(), options: Values::new() }
}

/// Whether a key source is not available here, so that the next one may be tried.
const fn allows_next_source(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Locked | ErrorKind::Unsupported)
}
