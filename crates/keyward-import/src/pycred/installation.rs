//! Finds and reads PyCred's stores. Their files belong to the user, but can contain anything.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use keyward_core::{EntryId, Error, ErrorKind, Result, Secret, Timestamp};
use keyward_fs::{PrivateDir, read_trusted};

use super::{
    Encryption, FernetKey, Installation, Login, MAX_CONFIG, MAX_KEY, MAX_RECORD, Storage,
    StoreConfig,
};
use crate::files::read_secret;

/// A store of PyCred's.
pub(super) struct Store {
    pub(super) name: String,
    pub(super) content: Result<Content>,
}

/// What a store keeps.
pub(super) enum Content {
    /// Nothing, since it was kept in the memory of a process.
    InMemory,
    /// Nothing: the folder does not exist, because nothing was stored yet or because it was
    /// removed.
    Missing(PathBuf),
    Users(Vec<User>),
}

/// A user, and the account or why it cannot be read.
pub(super) struct User {
    pub(super) name: String,
    pub(super) account: Result<Account>,
}

/// What a user keeps in a store.
pub(super) struct Account {
    pub(super) id: EntryId,
    pub(super) login: Login,
    /// When PyCred wrote it.
    pub(super) written: Timestamp,
}

/// Returns all stores of the PyCred whose home, or whose folder of stores, is `dir`. The iterator
/// reads one store after the other.
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid) if `dir` is neither. The errors of a store are in its [`Store`].
pub(super) fn stores(dir: &Path, home: &Path) -> Result<impl Iterator<Item = Store>> {
    let places = Places::find(dir, home)?;
    let names = names(&places.stores)?.into_iter();
    let named = names.filter_map(|name| Some(name.strip_suffix(".yaml")?.to_owned()));
    let stores = named.filter(|name| name != ".config");
    Ok(stores.map(move |name| Store { content: places.read(&name), name }))
}

/// PyCred's folders.
struct Places {
    /// The folder of the stores' files.
    stores: PathBuf,
    /// PyCred's home: `~/.pycred`, or the folder to which that was moved or copied.
    base: PathBuf,
    /// The folder that `~` means.
    home: PathBuf,
}

impl Places {
    fn find(dir: &Path, home: &Path) -> Result<Self> {
        let none = || {
            Error::invalid("usage", format!("PyCred has no stores in {}", dir.display())).hint(
                "Pass PyCred's home folder, which is `~/.pycred`, or PyCred's folder of stores",
            )
        };
        let base = dir.canonicalize().map_err(|_| none())?;
        let home = home.to_owned();
        let config = base.join(".config.yaml");
        if let Some(text) = read_config(&config)? {
            let installation =
                Installation::parse(&text).map_err(|error| in_file(&config, error))?;
            let stores = expand(&installation.store_path, &home);
            if let Some(stores) = stores.filter(|path| path.is_dir()) {
                return Ok(Self { stores, base, home });
            }
        }
        let stores = base.join("store");
        if stores.is_dir() {
            return Ok(Self { stores, base, home });
        }
        if base.is_dir() && names(&base)?.iter().any(|name| name.ends_with(".yaml")) {
            let above = base.parent().unwrap_or(&base).to_owned();
            return Ok(Self { stores: base, base: above, home });
        }
        Err(none())
    }

    fn read(&self, name: &str) -> Result<Content> {
        let path = self.stores.join(format!("{name}.yaml"));
        let config = read_config(&path)?.ok_or_else(|| missing("the store's file", &path))?;
        let config = StoreConfig::parse(&config).map_err(|error| in_file(&path, error))?;
        let path = match &config.storage {
            Storage::Memory => return Ok(Content::InMemory),
            Storage::File { data_dir } => self.locate(data_dir, name, "storage/file"),
        };
        let Some(data) = PrivateDir::open(&path)? else { return Ok(Content::Missing(path)) };
        let files = names(data.path())?;
        let key = match &config.encryption {
            Encryption::Aes { key_path } if !files.is_empty() => {
                Some(read_key(&self.locate(key_path, name, "encryption/aes/key.aes"))?)
            }
            _ => None,
        };
        let users = files.iter().filter_map(|file| user(&data, file, key.as_ref()));
        Ok(Content::Users(users.collect()))
    }

    /// Resolves a path from a store's file. It looks for a file in PyCred's usual place below
    /// `base` first, so that the import of a copy of PyCred's home does not read the original.
    fn locate(&self, written: &str, store: &str, usual: &str) -> PathBuf {
        let usual = Path::new("data").join(store).join(usual);
        let here = self.base.join(&usual);
        match expand(written, &self.home) {
            Some(path) if !here.exists() || (path.exists() && !path.ends_with(&usual)) => path,
            _ => here,
        }
    }
}

/// Returns an absolute path, or one below the home folder. Other paths depend on the working folder
/// of the process that used them.
fn expand(written: &str, home: &Path) -> Option<PathBuf> {
    match written.strip_prefix('~') {
        Some("") => Some(home.to_owned()),
        Some(rest) => Some(home.join(rest.strip_prefix('/')?.trim_start_matches('/'))),
        None => Some(PathBuf::from(written)).filter(|path| path.is_absolute()),
    }
}

/// Returns the user of a file and the content; `None` if it is not a file of PyCred.
fn user(data: &PrivateDir, file: &str, key: Option<&FernetKey>) -> Option<User> {
    if data.path().join(file).is_dir() {
        let why = "this is a folder: PyCred makes one for a user whose name contains a slash";
        let error = Error::new(ErrorKind::Unsupported, "import").because(why);
        return Some(User { name: format!("{file}/"), account: Err(error) });
    }
    let name = file.strip_suffix(".dat")?;
    Some(User { name: name.to_owned(), account: account(data, file, name, key) })
}

fn account(data: &PrivateDir, file: &str, user: &str, key: Option<&FernetKey>) -> Result<Account> {
    let id = EntryId::new(user, None)?;
    let (content, written) = read_private(data, file, MAX_RECORD)?
        .ok_or_else(|| missing("the record", &data.path().join(file)))?;
    let login = match key {
        Some(key) => Login::parse(key.open(content.expose())?.expose())?,
        None => Login::parse(content.expose())?,
    };
    Ok(Account { id, login, written })
}

fn read_key(path: &Path) -> Result<FernetKey> {
    let no_key = || {
        Error::new(ErrorKind::NoKey, "import")
            .because(format!("the key file {} is missing", path.display()))
            .hint("Put the file back before PyCred runs again: PyCred would make a new key instead")
    };
    let (Some(folder), Some(file)) = (path.parent(), path.file_name().and_then(OsStr::to_str))
    else {
        return Err(no_key());
    };
    let folder = PrivateDir::open(folder)?.ok_or_else(no_key)?;
    let (key, _) = read_private(&folder, file, MAX_KEY)?.ok_or_else(no_key)?;
    FernetKey::parse(key.expose())
}

/// Returns the content of a file that only its owner can read, and when it was written.
fn read_private(dir: &PrivateDir, file: &str, limit: usize) -> Result<Option<(Secret, Timestamp)>> {
    let opened = dir.open_file(Path::new(file), false)?;
    opened.map(|opened| read_secret(opened, limit)).transpose()
}

/// Reads a file that others may read, but that only this user or root can write.
fn read_config(path: &Path) -> Result<Option<Vec<u8>>> {
    if path.is_symlink() {
        return Err(Error::new(ErrorKind::Refused, "read")
            .because(format!("{} is a symbolic link", path.display())));
    }
    read_trusted(path, MAX_CONFIG)
}

/// Returns the names of a folder's files, sorted. In a name that is not UTF-8, invalid bytes are
/// replaced; the result can be shown, but names no file.
fn names(dir: &Path) -> Result<Vec<String>> {
    let failed =
        |error| Error::io("list", error).because(format!("{} cannot be listed", dir.display()));
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn in_file(path: &Path, error: Error) -> Error {
    let why = format!("{}: {}", path.display(), error.message());
    error.because(why)
}

fn missing(what: &str, path: &Path) -> Error {
    Error::corrupt("import")
        .because(format!("{what} {} is missing, or its name is not UTF-8", path.display()))
}
