//! Key source `file`: a key in a separate file, away from the data that it opens.
//!
//! The file contains 32 random bytes as base64 on one line. A file that exists already is used as
//! it is and never deleted. A file whose path is not specific to its store is not deleted either,
//! because another store may use it. A warning names the file that stays when a store is removed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_plugin::fs::{PrivateDir, report_link_stays};
use keyward_plugin::{
    Backend, Created, Error, ErrorKind, Host, Info, Key, KeyId, Level, Loaded, Result, Secret,
    decode_key, encode_key, options, random,
};

keyward_plugin::register!(key: FileKey);

/// The largest file that is read, in bytes.
const MAX: usize = 64 << 10;

/// The parameter of a key that was made here and may be deleted here.
const MADE: &[u8] = b"made";
const SUPPLIED: &[u8] = b"supplied";

options! {
    /// Where the key is stored.
    pub struct Options {
        /// The file that contains the key; only its owner can read it.
        pub path: PathBuf = "%state%/keys/%id%",
        /// The user id of the file's owner, if an administrator makes it for a user.
        pub owner: Option<u64>,
    }
}

/// The key source `file`.
#[derive(Debug)]
pub struct FileKey {
    path: PathBuf,
    owner: Option<u32>,
    host: Arc<dyn Host>,
}

impl Backend for FileKey {
    const INFO: Info = Info::new(
        "file",
        "A key file: a program that can read your files can read it; a copy of the data alone cannot be opened",
    );
    const PER_USER: Option<&'static str> = Some("path");
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        if options.path.file_name().is_none() || !options.path.is_absolute() {
            return Err(Error::invalid("options", "`path` must be the absolute path of a file"));
        }
        let owner = options.owner.map(u32::try_from).transpose();
        let owner = owner.map_err(|_| Error::invalid("options", "`owner` is not a user id"))?;
        Ok(Self { path: options.path, owner, host: Arc::clone(host) })
    }
}

impl Key for FileKey {
    fn create(&self, id: &KeyId) -> Result<Created> {
        let (folder, file) = self.parts()?;
        let key = Secret::from(&random::<32>()?[..]);
        let new = match PrivateDir::create_for(folder, self.owner)?
            .create_new(file, encode_key(key.expose()).expose())
        {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::Exists => false,
            Err(error) => return Err(error),
        };
        let key = if new { key } else { decode_key(&self.load(id, &[])?.secret)? };
        let made = new && self.is_of_one_store(id);
        let parameters = if made { MADE } else { SUPPLIED };
        let created = if made { Created::made } else { Created::supplied };
        Ok(created(key, parameters.to_vec()))
    }

    fn load(&self, _: &KeyId, parameters: &[u8]) -> Result<Loaded> {
        let (folder, file) = self.parts()?;
        let content = match self.open_folder(folder)? {
            Some(folder) => folder.read(file, MAX)?,
            None => None,
        };
        let mut content = Secret::new(content.ok_or_else(|| self.missing())?);
        content.strip_line_end();
        match parameters {
            [] => Ok(content.into()),
            MADE | SUPPLIED => Ok(decode_key(&content)?.into()),
            _ => Err(Error::corrupt("load")),
        }
    }

    fn delete(&self, id: &KeyId, parameters: &[u8]) -> Result<()> {
        let is_ours = match parameters {
            MADE => self.is_of_one_store(id),
            [] => self.is_named(id),
            _ => false,
        };
        if !is_ours {
            self.report_key_stays();
            return Ok(());
        }
        if report_link_stays(&*self.host, &self.path) {
            return Ok(());
        }
        let (folder, file) = self.parts()?;
        match self.open_folder(folder)? {
            Some(folder) => folder.remove(file).map(drop),
            None => Ok(()),
        }
    }
}

impl FileKey {
    fn parts(&self) -> Result<(&Path, &Path)> {
        match (self.path.parent(), self.path.file_name()) {
            (Some(folder), Some(file)) => Ok((folder, Path::new(file))),
            _ => Err(Error::invalid("options", "`path` must name a file")),
        }
    }

    /// Whether the path of the file is specific to this store, or the file is in a folder that was
    /// made for it. Any other file may contain the key of several stores.
    fn is_of_one_store(&self, id: &KeyId) -> bool {
        self.owner.is_some() || self.is_named(id)
    }

    fn is_named(&self, id: &KeyId) -> bool {
        self.path.file_name().is_some_and(|name| *name == *id.to_string())
    }

    fn report_key_stays(&self) {
        if !report_link_stays(&*self.host, &self.path) && self.path.exists() {
            let path = self.path.display();
            let message = format_args!("the key file {path} stays: other stores may use it");
            self.host.log(Level::Warning, message);
        }
    }

    fn open_folder(&self, folder: &Path) -> Result<Option<PrivateDir>> {
        match self.owner {
            Some(owner) => PrivateDir::open_for(folder, owner),
            None => PrivateDir::open(folder),
        }
    }

    fn missing(&self) -> Error {
        Error::new(ErrorKind::NoKey, "load")
            .because(format!("the key file {} is missing", self.path.display()))
            .hint(
                "Put the file back from a backup; a new key would not open what the old one sealed",
            )
    }
}

#[cfg(test)]
mod made {
    use std::os::unix::fs::MetadataExt;

    use super::FileKey;

    keyward_testkit::key_suite!(FileKey, |scratch| {
        let path = scratch.path("key");
        let folder = std::fs::metadata(std::path::Path::new(&path).parent().unwrap()).unwrap();
        Values::new()
            .with("path", Value::Text(path))
            .with("owner", Value::Number(folder.uid().into()))
    });
}

#[cfg(test)]
mod supplied {
    use super::FileKey;

    keyward_testkit::key_suite!(FileKey, |scratch| Values::new().with(
        "path",
        Value::Text(scratch.file("key", b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"))
    ));
}

#[cfg(test)]
mod shared {
    use super::FileKey;

    keyward_testkit::key_suite!(FileKey, |scratch| Values::new()
        .with("path", Value::Text(scratch.path("keys/key"))));
}

#[cfg(test)]
mod delete {
    use std::path::Path;
    use std::sync::Arc;

    use keyward_plugin::{Backend, Host, Key, KeyId, Level, Ownership};
    use keyward_testkit::{Scratch, TestHost};

    use super::{FileKey, Options};

    fn id() -> KeyId {
        KeyId::new(&[7; 16]).unwrap()
    }

    fn source(path: &str, host: &Arc<TestHost>) -> FileKey {
        let host: Arc<dyn Host> = Arc::<TestHost>::clone(host);
        FileKey::open(Options { path: path.into(), owner: None }, &host).unwrap()
    }

    #[test]
    fn a_file_that_the_id_names_goes_without_parameters() {
        let scratch = Scratch::new();
        let path = scratch.path(&format!("keys/{}", id()));
        let host = Arc::new(TestHost::new());
        let source = source(&path, &host);
        assert_eq!(source.create(&id()).unwrap().ownership, Ownership::Made);
        source.delete(&id(), &[]).unwrap();
        assert!(!Path::new(&path).exists());
        source.delete(&id(), &[]).unwrap();
        assert_eq!(host.log(), []);
    }

    #[test]
    fn any_other_file_stays_whatever_the_parameters_say() {
        let scratch = Scratch::new();
        let path = scratch.path("keys/shared");
        let host = Arc::new(TestHost::new());
        let source = source(&path, &host);
        let created = source.create(&id()).unwrap();
        for parameters in [&b"made"[..], b"supplied", b"", b"unknown"] {
            source.delete(&id(), parameters).unwrap();
            let message = format!("the key file {path} stays: other stores may use it");
            assert_eq!(host.log().pop(), Some((Level::Warning, message)));
        }
        assert_eq!(host.log().len(), 4);
        assert_eq!(source.load(&id(), &created.parameters).unwrap().secret, created.key);
    }
}
