use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use keyward_core::{Error, ErrorKind, Result, Value};
use keyward_fs::check_trusted_folder;

use crate::definition::{self, DefinitionFolder};
use crate::edit::set_value;
use crate::environment::Environment;
use crate::expand::Expander;
use crate::layer::Layer;
use crate::name::StoreName;
use crate::passwd::user_of_uid;
use crate::places::Places;
use crate::profile_key::PROFILES;
use crate::setting_key::SettingKey;
use crate::settings::Settings;
use crate::store_file::StoreFile;
use crate::store_ids::StoreIds;
use crate::toml_file::{TomlFile, nearest};

/// What a user writes for the default store. No new store can have this name.
pub const DEFAULT_STORE: &str = "-";

/// The configuration: settings, and the files that describe stores.
///
/// # Examples
/// ```
/// use keyward_config::{Config, Environment};
///
/// let home = tempfile::tempdir()?;
/// let config = Config::load(Environment::new([("HOME", home.path())]))?;
/// assert_eq!(config.settings().text("defaults.storage"), Some("file"));
/// assert!(config.store_names()?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    environment: Environment,
    places: Places,
    settings: Settings,
}

impl Config {
    /// Reads the settings of all layers.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) for a file or a folder of Keyward's that other users can
    /// write, [`Invalid`](ErrorKind::Invalid) for a file that is not valid, and for a relative
    /// path, which would name another place in each folder.
    pub fn load(environment: Environment) -> Result<Self> {
        // The value is a path, so it need not be UTF-8.
        let file = environment.get("KEYWARD_CONFIG_FILE").filter(|file| !file.is_empty());
        if file.is_some_and(|file| !Path::new(&file).is_absolute()) {
            return Err(relative("KEYWARD_CONFIG_FILE"));
        }
        let places = Places::find(&environment)?;
        Self::read(environment, places.clone()).map_err(|error| match places.check_owner() {
            Err(owner) if error.kind() == ErrorKind::Refused => {
                error.hint(owner.advice().unwrap_or_default())
            }
            _ => error,
        })
    }

    fn read(environment: Environment, places: Places) -> Result<Self> {
        // Most machines have no `/etc/keyward`. Then nothing below it is read.
        let has_system = check_trusted_folder(&places.system_config)?;
        check_trusted_folder(&places.config)?;
        let settings = read_settings(&environment, &places, has_system)?;
        match settings
            .get(&SettingKey::new(["store_path"]))
            .map(|found| (&found.value, &found.place))
        {
            Some((Value::Text(path), place))
                if !path.starts_with('/') && !path.starts_with("~/") =>
            {
                return Err(relative(place));
            }
            _ => {}
        }
        let config = Self { environment, places, settings };
        for folder in config.store_folders().into_iter().chain(config.plugin_folders()) {
            if has_system || folder.layer != Layer::System {
                folder.check()?;
            }
        }
        Ok(config)
    }

    /// Returns the settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the places.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Returns the environment that the configuration was read from.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns the path of the user's configuration file, which may not exist.
    pub fn user_file(&self) -> PathBuf {
        self.places.user_file(&self.environment)
    }

    /// Returns the folders of the files that describe stores, in the order in which they are
    /// searched.
    pub fn store_folders(&self) -> [DefinitionFolder; 2] {
        let [system, mut user] = self.definition_folders("stores");
        if let Some(path) = self.settings.text("store_path") {
            user.path = self.places.expand_home(path);
        }
        [system, user]
    }

    /// Returns the folders of this name in the configuration, the system's first: its definitions
    /// hide those of the user.
    pub(crate) fn definition_folders(&self, name: &str) -> [DefinitionFolder; 2] {
        [(&self.places.system_config, Layer::System), (&self.places.config, Layer::User)]
            .map(|(folder, layer)| DefinitionFolder { path: folder.join(name), layer })
    }

    /// Returns the names of all stores, sorted.
    ///
    /// # Errors
    /// Those of reading the folders.
    pub fn store_names(&self) -> Result<BTreeSet<StoreName>> {
        let mut names = BTreeSet::new();
        for folder in self.store_folders() {
            names.extend(folder.names::<StoreName>()?);
        }
        Ok(names)
    }

    /// Returns which ids the files of all stores name. It reads every file, also those in the folder
    /// that `store_path` replaces.
    ///
    /// # Errors
    /// Those of reading the folders. It skips a file that cannot be read.
    pub fn store_ids(&self) -> Result<StoreIds> {
        let mut folders = self.store_folders().to_vec();
        let [_, default] = self.definition_folders("stores");
        let is_same = |folder: &DefinitionFolder| is_same_folder(&folder.path, &default.path);
        if !folders.iter().any(is_same) {
            folders.push(default);
        }
        let mut ids = StoreIds::default();
        for folder in folders {
            for name in folder.names::<StoreName>()? {
                let path = folder.file(&name);
                match TomlFile::read(&path) {
                    Ok(Some(file)) => ids.add(&path, &file.text),
                    Ok(None) => {}
                    Err(_) => ids.unreadable.push(path),
                }
            }
        }
        Ok(ids)
    }

    /// Returns the name of the store that a user means: `-` is the
    /// [default store](Self::default_store).
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the name is not canonical, or there is no default store.
    pub fn store_called(&self, name: &str) -> Result<StoreName> {
        if name != DEFAULT_STORE {
            return StoreName::new(name);
        }
        if let Some(name) = self.default_store()? {
            return Ok(name);
        }
        match self.store_names()?.len() {
            0 => Err(Error::invalid("open", "there is no store yet")
                .hint("`keyward init NAME` makes one")),
            stores => {
                let why = format!("no default store is set, and there are {stores} stores");
                Err(Error::invalid("open", why)
                    .hint("Name the store, or `keyward config set defaults.store NAME`"))
            }
        }
    }

    /// Returns the name of the default store: the one that the setting `defaults.store` names, else
    /// the only one; `None` if there is none.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the name in the setting is not canonical; else those of
    /// reading the folders.
    pub fn default_store(&self) -> Result<Option<StoreName>> {
        if let Some(name) = self.settings.text("defaults.store") {
            return StoreName::new(name).map(Some);
        }
        let mut names = self.store_names()?;
        Ok(if names.len() == 1 { names.pop_first() } else { None })
    }

    /// Returns the file of a store. A system store comes before a user's store of the same name.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if there is no such store; else those of the file.
    pub fn store(&self, name: &StoreName) -> Result<StoreFile> {
        match self.find_store(name)? {
            Some(store) => Ok(store),
            None => Err(self.unknown_store(name)),
        }
    }

    /// Returns the error for an unknown store, with the name that may have been meant.
    fn unknown_store(&self, name: &StoreName) -> Error {
        // If a folder cannot be read, only the hint is lost.
        let names = self.store_names().unwrap_or_default();
        let hint =
            nearest(name.as_str(), names.iter().map(StoreName::as_str)).unwrap_or_else(|| {
                format!("`keyward list` shows the stores, `keyward init {name}` makes this one")
            });
        Error::invalid("open", format!("there is no store `{name}`")).hint(hint)
    }

    /// Returns the file of a store, if there is such a store.
    ///
    /// # Errors
    /// Those of the file.
    pub fn find_store(&self, name: &StoreName) -> Result<Option<StoreFile>> {
        definition::find(&self.store_folders(), name)
    }

    /// Returns the path for the file of a new store.
    pub fn new_store_path(&self, name: &StoreName, layer: Layer) -> PathBuf {
        let [system, user] = self.store_folders();
        if layer == Layer::System { system } else { user }.file(name)
    }

    /// Writes the file of a new store.
    ///
    /// # Errors
    /// [`Exists`](ErrorKind::Exists) if there is a store of this name; those of
    /// [`Places::check_owner`] for a user's own store.
    pub fn add_store(&self, store: &StoreFile) -> Result<()> {
        self.check_owner(store.layer)?;
        if let Some(there) = self.find_store(&store.name)? {
            return Err(exists(&there));
        }
        match store.create() {
            Err(error) if error.kind() == ErrorKind::Exists => Err(exists(store)),
            other => other,
        }
    }

    /// Refuses to write files of the user's layer if [`Places::check_owner`] does.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused).
    pub fn check_owner(&self, layer: Layer) -> Result<()> {
        if layer == Layer::System { Ok(()) } else { self.places.check_owner() }
    }

    /// Marks a store as one that is being removed.
    ///
    /// # Errors
    /// Those of writing its file.
    pub fn mark_deleting(&self, store: &StoreFile) -> Result<()> {
        StoreFile { deleting: true, ..store.clone() }.replace()
    }

    /// Removes the file of a store, and nothing else.
    ///
    /// # Errors
    /// Those of removing the file.
    pub fn remove_store(&self, name: &StoreName) -> Result<()> {
        for folder in self.store_folders() {
            if folder.remove(name)? {
                break;
            }
        }
        Ok(())
    }

    /// Returns the user whose credentials are used by default: the store's `user`, the setting
    /// `user`, or the operating system's name for the effective user id.
    pub fn default_user(&self, store: Option<&StoreFile>) -> String {
        store
            .and_then(|store| store.user.clone())
            .or_else(|| self.settings.text("user").map(str::to_owned))
            .unwrap_or_else(|| user_of_uid(rustix::process::geteuid().as_raw()).name)
    }

    /// Returns the same with this profile, whatever the settings select.
    ///
    /// # Errors
    /// Those of [`Settings::profile`].
    pub fn with_profile(mut self, name: &str) -> Result<Self> {
        self.settings.select_profile(name)?;
        Ok(self)
    }

    /// Removes a profile from the user's configuration, and nothing else.
    ///
    /// # Errors
    /// Those of [`Places::check_owner`] and [`set_value`](crate::set_value).
    pub fn remove_profile(&self, name: &str) -> Result<()> {
        self.places.check_owner()?;
        set_value(&self.user_file(), &SettingKey::new([PROFILES, name]), None)
    }

    /// Returns what replaces `%…%` in the options of a store; in a system store, for this user.
    pub fn expander(&self, store: &StoreFile, uid: Option<u32>) -> Expander {
        let expander = Expander::new(&self.places, &store.name, store.id);
        match uid {
            Some(uid) => expander.for_uid(uid),
            None => expander,
        }
    }
}

/// Whether two paths lead to the same folder.
fn is_same_folder(one: &Path, other: &Path) -> bool {
    one == other
        || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

fn relative(place: &str) -> Error {
    Error::invalid("config", format!("{place}: the path must be absolute"))
}

fn read_settings(environment: &Environment, places: &Places, has_system: bool) -> Result<Settings> {
    let mut settings = Settings::new(environment)?;
    let system = has_system.then(|| (places.system_config.join("config.toml"), Layer::System));
    let user = (places.user_file(environment), Layer::User);
    for (path, layer) in system.into_iter().chain([user]) {
        if let Some(file) = TomlFile::read(&path)? {
            settings.add_file(&file, layer)?;
        }
    }
    Ok(settings)
}

fn exists(store: &StoreFile) -> Error {
    let message = format!("the store `{}` exists already", store.name);
    let error = Error::new(ErrorKind::Exists, "init").because(message);
    if store.deleting {
        error.hint(format!(
            "It is being removed: finish the removal with `keyward rm {}`",
            store.name
        ))
    } else {
        error
    }
}
