use keyward_core::{Created, Key, KeyId, Result, Secret};
use keyward_plugin::abi::{Instance, KeyMethods, Slice};

use super::Answer;
use super::handle::{Handle, Methods, function};

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
        let mut made = 0;
        self.call("key", |instance, failure| {
            let methods = self.methods();
            function!(
                methods,
                create(instance, id, key.buffer(), parameters.buffer(), &mut made, failure)
            )
        })?;
        Ok(Created {
            key: key.take()?,
            parameters: parameters.take()?.into_bytes(),
            made: made != 0,
        })
    }

    fn load(&self, id: &KeyId, parameters: &[u8]) -> Result<Secret> {
        let (id, parameters) = (Slice::new(id.as_bytes()), Slice::new(parameters));
        let mut key = Answer::up_to(LONGEST_KEY);
        self.call("key", |instance, failure| {
            function!(self.methods(), load(instance, id, parameters, key.buffer(), failure))
        })?;
        key.take()
    }

    fn delete(&self, id: &KeyId, parameters: &[u8]) -> Result<()> {
        let (id, parameters) = (Slice::new(id.as_bytes()), Slice::new(parameters));
        self.call("key", |instance, failure| {
            function!(self.methods(), remove(instance, id, parameters, failure))
        })
    }
}
