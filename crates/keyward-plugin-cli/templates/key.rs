//! Key source `sample`: a folder with a file for each key.
//!
//! A file contains 32 random bytes as base64. A program that can read your files can read it; a
//! copy of the data alone cannot be opened.

use std::path::PathBuf;
use std::sync::Arc;

use keyward_plugin::fs::PrivateDir;
use keyward_plugin::{
    Backend, Created, Error, ErrorKind, Host, Info, Key, KeyId, Loaded, Result, Secret, decode_key,
    encode_key, options, random,
};

keyward_plugin::register!(key: SampleKey);

/// The longest file that is read, in bytes.
const LARGEST: usize = 1 << 10;

/// The parameter of a key that was made here and can be deleted here.
const MADE: &[u8] = b"made";

options! {
    /// Where the keys are stored.
    pub struct Options {
        /// The folder that holds them; made with the first key.
        pub root: PathBuf = "%state%/keys-sample",
    }
}

/// The key source `sample`.
#[derive(Debug)]
pub struct SampleKey {
    root: PathBuf,
}

impl Backend for SampleKey {
    const INFO: Info = Info::new("sample", "A folder with a file for each key");
    type Options = Options;

    fn open(options: Options, _: &Arc<dyn Host>) -> Result<Self> {
        if !options.root.is_absolute() {
            return Err(Error::invalid("options", "`root` must be an absolute path"));
        }
        Ok(Self { root: options.root })
    }
}

impl Key for SampleKey {
    fn create(&self, id: &KeyId) -> Result<Created> {
        let key = Secret::from(&random::<32>()?[..]);
        PrivateDir::create(&self.root)?.create_new(&file(id), encode_key(key.expose()).expose())?;
        Ok(Created::made(key, MADE.to_vec()))
    }

    fn load(&self, id: &KeyId, parameters: &[u8]) -> Result<Loaded> {
        if ![MADE, &[]].contains(&parameters) {
            return Err(Error::corrupt("load"));
        }
        let dir = PrivateDir::open(&self.root)?;
        match dir.map(|dir| dir.read(&file(id), LARGEST)).transpose()?.flatten() {
            Some(content) => Ok(decode_key(&Secret::new(content))?.into()),
            None => Err(Error::new(ErrorKind::NoKey, "load")
                .because(format!("{} is missing", self.root.join(file(id)).display()))
                .hint(
                    "Put it back from a backup; a new key would not open what the old one sealed",
                )),
        }
    }

    fn delete(&self, id: &KeyId, parameters: &[u8]) -> Result<()> {
        // Without parameters, only what is named by the id may be removed: here that is every key.
        match PrivateDir::open(&self.root)? {
            Some(dir) if [MADE, &[]].contains(&parameters) => dir.remove(&file(id)).map(drop),
            _ => Ok(()),
        }
    }
}

fn file(id: &KeyId) -> PathBuf {
    format!("{id}.key").into()
}

#[cfg(test)]
keyward_testkit::key_suite!(SampleKey, |scratch| {
    Values::new().with("root", Value::Text(scratch.path("keys")))
});
