//! Encryption `sample`: XChaCha20-Poly1305 under the store's key.
//!
//! ```text
//! nonce (24) ‖ ciphertext ‖ tag (16)      associated data: the binding of header and entry
//! ```
//!
//! A nonce of 192 random bits does not repeat, however many records a store seals.

use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use keyward_plugin::{
    Backend, Context, Encryption, EncryptionAbilities, EntryId, Error, ErrorKind, Host, Info,
    KeyId, Keys, NoOptions, Result, Secret, random,
};

keyward_plugin::register!(encryption: SampleEncryption);

/// The encryption `sample`.
#[derive(Clone, Copy, Debug)]
pub struct SampleEncryption;

impl Backend for SampleEncryption {
    const INFO: Info = Info::new("sample", "XChaCha20-Poly1305 under the store's key");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Encryption for SampleEncryption {
    fn abilities(&self) -> EncryptionAbilities {
        EncryptionAbilities::new(Keys::Store).binds_context(true).authenticates(true)
    }

    fn current_key(&self, _: &EntryId) -> Result<Option<KeyId>> {
        Ok(None)
    }

    fn seal(&self, plain: &Secret, context: &Context<'_>) -> Result<Vec<u8>> {
        let cipher = cipher(context, "seal")?;
        let nonce = random::<24>()?;
        let payload = Payload { msg: plain.expose(), aad: context.binding };
        let sealed = cipher
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| Error::new(ErrorKind::Unsupported, "seal"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    fn unseal(&self, blob: &[u8], context: &Context<'_>) -> Result<Secret> {
        let cipher = cipher(context, "unseal")?;
        let corrupt = || Error::corrupt("unseal");
        let (nonce, sealed) = blob.split_at_checked(24).ok_or_else(corrupt)?;
        let payload = Payload { msg: sealed, aad: context.binding };
        let plain = cipher.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| corrupt())?;
        Ok(Secret::new(plain))
    }
}

fn cipher(context: &Context<'_>, operation: &'static str) -> Result<XChaCha20Poly1305> {
    XChaCha20Poly1305::new_from_slice(context.store_key()?.key.expose())
        .map_err(|_| Error::new(ErrorKind::NoKey, operation).because("the key is not 32 bytes"))
}

#[cfg(test)]
keyward_testkit::encryption_suite!(SampleEncryption, |_| Values::new());
