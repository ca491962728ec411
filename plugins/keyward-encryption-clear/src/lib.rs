//! Encryption `clear`: no encryption.
//!
//! In an envelope, accidents are still detected: a blob that was damaged, or moved to another
//! entry, does not open. A user who can read the storage can read the records, and a user who can
//! write it can forge them.

use std::sync::Arc;

use keyward_plugin::{
    Backend, Context, Encryption, EncryptionAbilities, EntryId, Host, Info, KeyId, Keys, NoOptions,
    Result, Secret,
};

keyward_plugin::register!(encryption: Clear);

/// The encryption `clear`.
#[derive(Clone, Copy, Debug)]
pub struct Clear;

impl Backend for Clear {
    const INFO: Info =
        Info::new("clear", "No encryption: a user who can read the storage can read the records");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Encryption for Clear {
    fn abilities(&self) -> EncryptionAbilities {
        EncryptionAbilities::new(Keys::None)
    }

    fn current_key(&self, _: &EntryId) -> Result<Option<KeyId>> {
        Ok(None)
    }

    fn seal(&self, plain: &Secret, _: &Context<'_>) -> Result<Vec<u8>> {
        Ok(plain.expose().to_vec())
    }

    fn unseal(&self, blob: &[u8], _: &Context<'_>) -> Result<Secret> {
        Ok(Secret::from(blob))
    }
}

#[cfg(test)]
keyward_testkit::encryption_suite!(Clear, |_| keyward_plugin::Values::new());
