//! Encryption `aes-gcm`: AES-256-GCM with a separate key for every seal. The default.
//!
//! HKDF-SHA256 (RFC 5869) derives 64 bytes from the store's key, the random salt of the seal, and
//! the binding of header and entry: the key for this one seal, and a commitment to it. The key is
//! used once. So the nonce (96 zero bits) never repeats under it, however many records a store
//! seals (NIST SP 800-38D, section 8). The commitment is written before the ciphertext and checked
//! first, because AES-GCM alone lets one ciphertext open under several keys.
//!
//! ```text
//! commitment (32) ‖ ciphertext ‖ tag (16)      associated data: the envelope's header
//! ```

mod cipher;

use std::sync::Arc;

use hkdf::Hkdf;
use keyward_plugin::{
    Backend, Context, Encryption, EncryptionAbilities, EntryId, Error, ErrorKind, Host, Info,
    KeyId, Keys, NoOptions, Result, Secret,
};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

keyward_plugin::register!(encryption: AesGcm);

const COMMITMENT: usize = 32;

/// Each key is used for one seal only, so the nonce can be constant.
const NONCE: [u8; 12] = [0; 12];

/// The encryption `aes-gcm`.
#[derive(Clone, Copy, Debug)]
pub struct AesGcm;

impl Backend for AesGcm {
    const INFO: Info = Info::new("aes-gcm", "AES-256-GCM, with a new key derived for every seal");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Encryption for AesGcm {
    fn abilities(&self) -> EncryptionAbilities {
        EncryptionAbilities::new(Keys::Store).binds_context(true).authenticates(true)
    }

    fn current_key(&self, _: &EntryId) -> Result<Option<KeyId>> {
        Ok(None)
    }

    fn seal(&self, plain: &Secret, context: &Context<'_>) -> Result<Vec<u8>> {
        let derived = Derived::new(context)?;
        let mut blob = derived.commitment().to_vec();
        cipher::seal(derived.key(), &NONCE, context.associated_data, plain, &mut blob)?;
        Ok(blob)
    }

    fn unseal(&self, blob: &[u8], context: &Context<'_>) -> Result<Secret> {
        let corrupt = || Error::corrupt("unseal");
        let (commitment, sealed) = blob.split_at_checked(COMMITMENT).ok_or_else(corrupt)?;
        let derived = Derived::new(context)?;
        if !bool::from(derived.commitment().ct_eq(commitment)) {
            return Err(corrupt());
        }
        cipher::open(derived.key(), &NONCE, context.associated_data, sealed)
    }
}

/// The key of one seal, and the commitment to the key.
struct Derived(Zeroizing<[u8; 64]>);

impl Derived {
    fn new(context: &Context<'_>) -> Result<Self> {
        let key = context.store_key()?.key.expose();
        if key.len() != 32 {
            return Err(Error::new(ErrorKind::NoKey, "seal").because("the key is not 32 bytes"));
        }
        let mut derived = Self(Zeroizing::new([0; 64]));
        Hkdf::<Sha256>::new(Some(context.salt), key)
            .expand(context.binding, derived.0.as_mut_slice())
            .map_err(|_| Error::new(ErrorKind::Other, "derive"))?;
        Ok(derived)
    }

    fn key(&self) -> &[u8] {
        &self.0[..32]
    }

    fn commitment(&self) -> &[u8] {
        &self.0[32..]
    }
}

#[cfg(test)]
keyward_testkit::encryption_suite!(AesGcm, |_| keyward_plugin::Values::new());
