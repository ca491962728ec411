//! The role of a key source.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keyward_plugin::fs::PrivateDir;
use keyward_plugin::{
    Backend, Created, Error, ErrorKind, Host, Info, KEY_LENGTH, Key, KeyId, Level, Loaded,
    LockMode, Result, Secret, decode_key, encode_key, options, printable, random,
};

use crate::item::Address;
use crate::ring::{self, Ring};

options! {
    /// The keyring, and the item in it.
    pub struct KeyOptions {
        /// The keyring; `keyutils` is the kernel's.
        #[choices("auto", "secret-service", "keyutils", "native")]
        pub service: String = "auto",
        /// The D-Bus address of the Secret Service, if it is not on the session's bus.
        pub bus: Option<String>,
        /// The item's attribute `service`.
        pub item: String = "keyward-key",
        /// The item's attribute `username`; by default, the id of the key.
        pub user: Option<String>,
        /// The folder of the lock, because keyrings have no locks.
        pub state: PathBuf = "%state%/keyring",
    }
}

/// How long to wait for another process that makes a key, if the caller has that much time.
const PATIENCE: Duration = Duration::from_secs(30);

/// The parameters of a key that Keyward made. Only such a key may be deleted.
const MADE: &[u8] = b"made";
const SUPPLIED: &[u8] = b"supplied";

/// The key source `keyring`.
///
/// It keeps 32 random bytes as base64, or finds a password that another program stored. This
/// reference refers to a password that `secret-tool store` or Python's `keyring set` stored:
///
/// `{ from = "keyring", item = …, user = … }`
///
/// # Errors
/// - [`NoKey`](ErrorKind::NoKey): the keyring is open and there is no such item.
/// - [`Locked`](ErrorKind::Locked): the keyring is locked, or there is none that outlives the
///   session. Keyward does not prompt the user to unlock it.
/// - [`Unavailable`](ErrorKind::Unavailable): there is no keyring, or it does not respond in the
///   time that the caller has.
///
/// [`create`](Key::create) reads back what it wrote. So it also tests whether this keyring can keep
/// keys.
#[derive(Debug)]
pub struct KeyringKey {
    ring: Box<dyn Ring>,
    item: String,
    user: Option<String>,
    state: PathBuf,
    host: Arc<dyn Host>,
}

impl Backend for KeyringKey {
    const INFO: Info = Info::new(
        crate::NAME,
        "The operating system's keyring: open while you are logged in, missing over ssh and in cron",
    );
    type Options = KeyOptions;

    fn open(options: KeyOptions, host: &Arc<dyn Host>) -> Result<Self> {
        let KeyOptions { service, bus, item, user, state } = options;
        if item.is_empty() || user.as_ref().is_some_and(String::is_empty) {
            return Err(Error::invalid("options", "`item` and `user` cannot be empty"));
        }
        let ring = ring::open(&service, bus, host)?;
        Ok(Self { ring, item, user, state, host: Arc::clone(host) })
    }
}

impl Key for KeyringKey {
    fn create(&self, id: &KeyId) -> Result<Created> {
        let address = self.address(id);
        let wait = self.host.remaining().unwrap_or(PATIENCE);
        let _lock = PrivateDir::create(&self.state)?.lock("keys", LockMode::Exclusive, wait)?;
        match self.ring.get(&address) {
            Err(error) if error.is_miss() => {}
            found => {
                let key = decode_key(&found?)?;
                return Ok(Created::supplied(key, SUPPLIED.to_vec()));
            }
        }
        let key = Secret::from(&random::<KEY_LENGTH>()?[..]);
        self.ring.set(&address, encode_key(key.expose()).expose())?;
        if self.load(id, MADE)?.secret != key {
            return Err(Error::new(ErrorKind::Unavailable, "create")
                .because("the keyring did not keep what was written"));
        }
        // An item under another name may hold the key of several stores.
        let made = self.is_named(id);
        let parameters = if made { MADE } else { SUPPLIED };
        let created = if made { Created::made } else { Created::supplied };
        Ok(created(key, parameters.to_vec()))
    }

    fn load(&self, id: &KeyId, parameters: &[u8]) -> Result<Loaded> {
        let found = self.ring.get(&self.address(id)).map_err(no_key)?;
        match parameters {
            [] => Ok(found.into()),
            MADE | SUPPLIED => Ok(decode_key(&found)?.into()),
            _ => Err(Error::corrupt("load")),
        }
    }

    fn delete(&self, id: &KeyId, parameters: &[u8]) -> Result<()> {
        if !self.is_named(id) || !matches!(parameters, MADE | []) {
            let Address { service, user, .. } = self.address(id);
            self.host.log(
                Level::Warning,
                format_args!(
                    "the item `{}` of `{}` in the keyring stays: other stores may use it",
                    printable(&user),
                    printable(&service)
                ),
            );
            return Ok(());
        }
        match self.ring.delete(&self.address(id)) {
            Err(error) if !error.is_miss() => Err(error),
            _ => Ok(()),
        }
    }
}

impl KeyringKey {
    /// Whether the item is named for this one store.
    fn is_named(&self, id: &KeyId) -> bool {
        self.user.as_ref().is_none_or(|user| *user == id.to_string())
    }

    fn address(&self, id: &KeyId) -> Address {
        let user = self.user.clone().unwrap_or_else(|| id.to_string());
        Address { service: self.item.clone(), user, store: None }
    }
}

/// Turns a missing item into a missing key.
fn no_key(error: Error) -> Error {
    if !error.is_miss() {
        return error;
    }
    Error::new(ErrorKind::NoKey, "load")
        .because("the key is not in the keyring")
        .hint("A new key would not open what the old one sealed; log in as the user who has it")
}
