use keyward_core::{
    Context, Encryption, EncryptionAbilities, EntryId, KeyId, Keys, MAX_BLOB, MAX_RECORD, Result,
    Secret,
};
use keyward_plugin::abi::{
    self, EncryptionMethods, EntryName, Instance, Number, SealContext, Short, Slice,
};

use super::Answer;
use super::handle::{Handle, Methods, function};
use crate::errors::unusable;

impl Methods for EncryptionMethods {
    type Role = dyn Encryption;

    fn implement_role(handle: Handle<Self>) -> Result<Box<Self::Role>> {
        Ok(Box::new(LoadedEncryption::new(handle)?))
    }

    fn close(&self) -> Option<unsafe extern "C" fn(*mut Instance)> {
        self.close
    }

    fn are_whole(&self) -> bool {
        self.abilities.is_some()
            && self.current_key.is_some()
            && self.seal.is_some()
            && self.unseal.is_some()
    }
}

#[derive(Debug)]
struct LoadedEncryption {
    handle: Handle<EncryptionMethods>,
    abilities: EncryptionAbilities,
}

impl LoadedEncryption {
    fn new(handle: Handle<EncryptionMethods>) -> Result<Self> {
        let size = size_of::<abi::EncryptionAbilities>() as u32;
        let mut able =
            abi::EncryptionAbilities { size, binds_context: 0, authenticates: 0, keys: 0 };
        handle.call("open", |instance, failure| {
            function!(handle.methods(), abilities(instance, &mut able, failure))
        })?;
        let keys = Keys::from_number(able.keys)
            .ok_or_else(|| unusable("the plugin's encryption has keys of an unknown kind"))?;
        let abilities = EncryptionAbilities::new(keys)
            .binds_context(able.binds_context != 0)
            .authenticates(able.authenticates != 0);
        Ok(Self { handle, abilities })
    }
}

impl Encryption for LoadedEncryption {
    fn abilities(&self) -> EncryptionAbilities {
        self.abilities
    }

    fn current_key(&self, entry: &EntryId) -> Result<Option<KeyId>> {
        let (entry, mut key) = (EntryName::new(entry), Short::NULL);
        self.handle.call("seal", |instance, failure| {
            function!(self.handle.methods(), current_key(instance, entry, &mut key, failure))
        })?;
        key.key_id()
    }

    fn seal(&self, plain: &Secret, context: &Context<'_>) -> Result<Vec<u8>> {
        let (plain, context) = (Slice::new(plain.expose()), SealContext::new(context));
        let mut blob = Answer::up_to(MAX_BLOB);
        self.handle.call("seal", |instance, failure| {
            function!(
                self.handle.methods(),
                seal(instance, plain, &context, blob.buffer(), failure)
            )
        })?;
        blob.take().map(Secret::into_bytes)
    }

    fn unseal(&self, blob: &[u8], context: &Context<'_>) -> Result<Secret> {
        let (blob, context) = (Slice::new(blob), SealContext::new(context));
        let mut plain = Answer::up_to(MAX_RECORD);
        self.handle.call("unseal", |instance, failure| {
            function!(
                self.handle.methods(),
                unseal(instance, blob, &context, plain.buffer(), failure)
            )
        })?;
        plain.take()
    }
}
