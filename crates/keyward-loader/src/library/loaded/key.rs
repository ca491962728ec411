use keyward_core::{Created, Error, ErrorKind, Key, KeyId, Loaded, Ownership, Result, Timestamp};
use keyward_plugin::abi::{Instance, KeyMethods, NONE, Number, Slice};

use super::Answer;
use super::handle::{Handle, Methods, function};
use crate::errors::unusable;

/// The size of the largest secret of a key source, in bytes.
const LONGEST_KEY: usize = 1 << 20;

/// The size of the largest parameters, in bytes.
const LONGEST_PARAMETERS: usize = 1024;

impl Methods for KeyMethods {
    type Role = dyn Key;

    fn implement_role(handle: Handle<Self>) -> Result<Box<Self::Role>> {
        Ok(Box::new(handle))
    }

    fn close(&self) -> Option<unsafe extern "C" fn(*mut Instance)> {
        self.close
    }

    fn are_whole(&self) -> bool {
        self.create.is_some() && self.load.is_some() && self.remove.is_some()
    }
}

impl Key for Handle<KeyMethods> {
    fn create(&self, id: &KeyId) -> Result<Created> {
        let id = Slice::new(id.as_bytes());
        let (mut key, mut parameters) =
            (Answer::up_to(LONGEST_KEY), Answer::up_to(LONGEST_PARAMETERS));
        let mut ownership = 0;
        self.call("key", |instance, failure| {
            let methods = self.methods();
            function!(
                methods,
                create(instance, id, key.buffer(), parameters.buffer(), &mut ownership, failure)
            )
        })?;
        let (key, parameters) = (key.take()?, parameters.take()?.into_bytes());
        match Ownership::from_number(ownership) {
            Some(Ownership::Made) => Ok(Created::made(key, parameters)),
            Some(Ownership::Kept) => Ok(Created::kept(key, parameters)),
            Some(Ownership::Supplied) => Ok(Created::supplied(key, parameters)),
            _ => Err(unusable("the plugin's key source does not say where its secret is")),
        }
    }

    fn load(&self, id: &KeyId, parameters: &[u8]) -> Result<Loaded> {
        let (id, parameters) = (Slice::new(id.as_bytes()), Slice::new(parameters));
        let mut key = Answer::up_to(LONGEST_KEY);
        let mut expires = NONE;
        self.call("key", |instance, failure| {
            let methods = self.methods();
            function!(methods, load(instance, id, parameters, key.buffer(), &mut expires, failure))
        })?;
        let expires = (expires != NONE).then(|| Timestamp::from_unix(expires));
        Ok(Loaded::new(key.take()?, expires))
    }

    fn delete(&self, id: &KeyId, parameters: &[u8]) -> Result<()> {
        let (id, parameters) = (Slice::new(id.as_bytes()), Slice::new(parameters));
        self.call("key", |instance, failure| {
            function!(self.methods(), remove(instance, id, parameters, failure))
        })
    }

    fn rewrap(&self, id: &KeyId, parameters: &[u8]) -> Result<Vec<u8>> {
        if self.methods().rewrap.is_none() {
            return Err(Error::new(ErrorKind::Unsupported, "rewrap"));
        }
        let (id, parameters) = (Slice::new(id.as_bytes()), Slice::new(parameters));
        let mut rewrapped = Answer::up_to(LONGEST_PARAMETERS);
        self.call("key", |instance, failure| {
            let methods = self.methods();
            function!(methods, rewrap(instance, id, parameters, rewrapped.buffer(), failure))
        })?;
        Ok(rewrapped.take()?.into_bytes())
    }
}
