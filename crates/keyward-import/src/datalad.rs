//! The credentials of DataLad and of DataLad-next: git's configuration of the user and of the system,
//! and the keyring of Python, in which they keep secrets.
//!
//! A credential `NAME` has the keyring's service `datalad-NAME`. DataLad keeps each field there, with
//! the field's name as the user. DataLad-next keeps one item `secret` there, and all else as settings
//! `datalad.credential.NAME.FIELD` of git. When it changes an older credential, it leaves the older
//! items; [`Gathered::clean_up`] removes them.

pub mod keyring_file;
pub mod providers;
mod secret_service;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use keyward_config::{Config, find_program};
use keyward_core::{Error, ErrorKind, Result, Secret, printable};
use keyward_git::{ConfigFile, user_settings};
use keyward_resolver::datalad::{Properties, SETTINGS};

use crate::entries::Found;
use secret_service::SecretService;

/// What the names of DataLad's services in a keyring begin with.
const SERVICE: &str = "datalad-";

/// The item of DataLad-next.
const SECRET: &str = "secret";

/// The items of DataLad that DataLad-next does not read if there is an item [`SECRET`].
const OLDER: [&str; 7] =
    ["user", "password", "token", "key_id", "secret_id", "session", "expiration"];

/// An item of a keyring.
#[derive(Debug)]
struct Item {
    /// The name of the credential.
    name: String,
    field: String,
    value: Result<Secret>,
    place: Place,
}

/// Where an item is.
#[derive(Clone, Debug)]
enum Place {
    /// In the file, in the section and the option of these names.
    File(keyring_file::Key),
    /// In the Secret Service, at this path.
    Service(String),
}

/// What DataLad keeps.
#[derive(Debug)]
pub struct Gathered {
    /// The credentials, sorted by their names.
    pub found: Vec<Found>,
    /// The places that were read.
    pub places: Vec<String>,
    /// The places that could not be read, and why.
    pub failed: Vec<(String, Error)>,
    /// The older items of credentials that have a newer one, by the name of the credential.
    halves: BTreeMap<String, Vec<(String, Place)>>,
    file: PathBuf,
    service: Option<SecretService>,
}

/// Returns the file in which Python's keyring keeps passwords if it has no other place
/// (`keyrings.alt`, `PlaintextKeyring`).
pub fn default_keyring_file(config: &Config) -> PathBuf {
    let home = &config.places().home;
    let data = config.environment().path("XDG_DATA_HOME");
    data.unwrap_or_else(|| home.join(".local/share")).join("python_keyring/keyring_pass.cfg")
}

/// Reads all credentials of DataLad.
///
/// # Errors
/// Those of a place are in [`Gathered::failed`], those of a credential in [`Gathered::found`].
pub fn gather(config: &Config, keyring_file: &Path) -> Gathered {
    let mut gathered = Gathered {
        found: Vec::new(),
        places: Vec::new(),
        failed: Vec::new(),
        halves: BTreeMap::new(),
        file: keyring_file.to_owned(),
        service: None,
    };
    let in_file = keyring_file::read(keyring_file);
    let mut items = gathered.read(keyring_file.display().to_string(), in_file);
    let service = SecretService::connect(config.environment());
    let in_service = service.and_then(|service| {
        let Some(service) = service else { return Ok(None) };
        let items = service.items()?;
        gathered.service = Some(service);
        Ok(Some(items))
    });
    // Python's keyring prefers the Secret Service, so its items come last and replace others.
    items.extend(gathered.read("Secret Service".into(), in_service));
    let settings = find_program(config.environment(), "git")
        .map(|_| user_settings(config.environment(), SETTINGS))
        .transpose();
    let settings = gathered.read("git's configuration".into(), settings);
    gathered.combine(items, settings);
    gathered
}

impl Gathered {
    /// Returns what a place has, and reports on the place.
    fn read<T>(&mut self, place: String, found: Result<Option<Vec<T>>>) -> Vec<T> {
        match found {
            Ok(Some(found)) => {
                self.places.push(place);
                found
            }
            Ok(None) => Vec::new(),
            Err(error) => {
                self.failed.push((place, error));
                Vec::new()
            }
        }
    }

    fn combine(&mut self, items: Vec<Item>, settings: Vec<(String, Secret)>) {
        let mut credentials: BTreeMap<String, Result<Properties>> = BTreeMap::new();
        let newer = items.iter().filter(|item| item.field == SECRET);
        let newer: BTreeSet<_> = newer.map(|item| item.name.clone()).collect();
        for Item { name, field, value, place } in items {
            if newer.contains(&name) && OLDER.contains(&field.as_str()) {
                let halves = self.halves.entry(name.clone()).or_default();
                halves.push((field.clone(), place));
            }
            let properties = credentials.entry(name).or_insert_with(|| Ok(Properties::default()));
            match (properties.as_mut(), value) {
                (Ok(properties), Ok(value)) => properties.set(&field, value),
                (Ok(_), Err(error)) => *properties = Err(error),
                (Err(_), _) => {}
            }
        }
        for (setting, value) in settings {
            let named = setting.strip_prefix(SETTINGS).and_then(|named| named.rsplit_once('.'));
            let Some((name, field)) = named else { continue };
            let properties =
                credentials.entry(name.to_owned()).or_insert_with(|| Ok(Properties::default()));
            if let Ok(properties) = properties {
                properties.set(field, value);
            }
        }
        self.found = credentials.into_iter().map(found).collect();
    }

    /// Removes the older items of these credentials, if DataLad-next has a newer one. Returns what it
    /// removed.
    ///
    /// Only call this for credentials that were imported. It never removes the only copy that
    /// DataLad-next reads; DataLad itself, without the extension, reads the older items.
    ///
    /// # Errors
    /// Those of a keyring.
    pub fn clean_up<'a>(&self, names: impl IntoIterator<Item = &'a String>) -> Result<Vec<String>> {
        let mut removed = Vec::new();
        let mut in_file = Vec::new();
        for name in names {
            for (field, place) in self.halves.get(name).into_iter().flatten() {
                match (place, &self.service) {
                    (Place::File(key), _) => in_file.push(key.clone()),
                    (Place::Service(path), Some(service)) => service.remove(path)?,
                    (Place::Service(_), None) => continue,
                }
                removed.push(format!("{name}: {field}"));
            }
        }
        if !in_file.is_empty() {
            let file = ConfigFile::from_path(&self.file)?;
            let old = file.read()?;
            let new = old.as_ref().map(|old| keyring_file::without(old.expose(), &in_file));
            file.replace(old.as_ref(), new.transpose()?.as_ref())?;
        }
        Ok(removed)
    }
}

fn found((name, properties): (String, Result<Properties>)) -> Found {
    let record = properties.and_then(|properties| {
        if !properties.has_secret() {
            return Err(Error::not_found("import")
                .because("DataLad keeps no secret for it")
                .hint("If it is one of git's, use `keyward import git-helper`"));
        }
        properties.into_record(None)
    });
    Found { label: format!("`{}`", printable(&name)), name, record }
}

/// Returns the error for an item that cannot be read.
fn damaged(why: &str) -> Error {
    Error::new(ErrorKind::Corrupt, "import").because(why)
}
