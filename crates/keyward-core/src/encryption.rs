use std::fmt::{self, Debug};

use crate::{EntryId, Error, Result, Secret, hex};

/// Seals bytes so that they open only in the same context.
///
/// Backends implement it. Callers use a store, which puts what is sealed into an envelope. If the
/// encryption cannot bind the context itself, the store binds it there.
///
/// # Contract
/// - `unseal` returns the bytes that `seal` was given, if the [`Context`] is equal.
/// - An encryption that says [`binds_context`](EncryptionAbilities::binds_context) does not open a
///   blob under another context. One that says
///   [`authenticates`](EncryptionAbilities::authenticates) does not open an altered blob.
/// - Two seals of the same bytes differ, unless the encryption does not encrypt.
///
/// # Errors
/// - [`Corrupt`](crate::ErrorKind::Corrupt), without a source: the blob is altered or truncated, or
///   the context is another one.
/// - [`NoKey`](crate::ErrorKind::NoKey): the key does not exist, or no key fits.
///
/// # Security
/// An encryption never sees a storage, and logs neither plaintext nor key.
#[expect(clippy::missing_errors_doc, reason = "the trait's own page says it for all of them")]
pub trait Encryption: Debug + Send + Sync {
    /// What this opened instance can do.
    fn abilities(&self) -> EncryptionAbilities;

    /// Returns the key that a seal for `entry` would use now, if the encryption has its own keys.
    /// Returns `None` if the store passes the key, or if there is none.
    fn current_key(&self, entry: &EntryId) -> Result<Option<KeyId>>;

    /// Seals `plain` for this context.
    fn seal(&self, plain: &Secret, context: &Context<'_>) -> Result<Vec<u8>>;

    /// Opens a blob that was sealed for this context.
    fn unseal(&self, blob: &[u8], context: &Context<'_>) -> Result<Secret>;
}

/// What an encryption can do.
///
/// # Examples
/// ```
/// use keyward_core::{EncryptionAbilities, Keys};
///
/// let abilities = EncryptionAbilities::new(Keys::Store).binds_context(true).authenticates(true);
/// assert!(abilities.binds_context && abilities.authenticates);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncryptionAbilities {
    /// Whether the encryption itself ties a blob to its context.
    pub binds_context: bool,
    /// Whether a blob that opens can only have been made with the key.
    pub authenticates: bool,
    /// Where its keys come from.
    pub keys: Keys,
}

impl EncryptionAbilities {
    /// Makes the abilities of an encryption that neither binds a context nor authenticates.
    pub const fn new(keys: Keys) -> Self {
        Self { binds_context: false, authenticates: false, keys }
    }

    /// Sets whether the encryption itself ties a blob to its context.
    #[must_use]
    pub const fn binds_context(self, binds_context: bool) -> Self {
        Self { binds_context, ..self }
    }

    /// Sets whether a blob that opens can only have been made with the key.
    #[must_use]
    pub const fn authenticates(self, authenticates: bool) -> Self {
        Self { authenticates, ..self }
    }
}

/// Where an encryption's keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// No keys: nothing is encrypted.
    None,
    /// The store passes a 256-bit key with each context.
    Store,
    /// The encryption has its own keys, as age has recipients and identities.
    Own,
}

/// What a blob is sealed for. It is never stored as a whole: the caller of `unseal` supplies it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Context<'a> {
    /// The store.
    pub store: StoreId,
    /// The entry.
    pub entry: &'a EntryId,
    /// The key, for encryptions whose keys are [`Keys::Store`].
    pub key: Option<&'a StoreKey>,
    /// 32 new random bytes for this seal; zeros if there is no envelope to keep them.
    pub salt: &'a [u8; 32],
    /// The envelope's header: bytes to authenticate together with the content.
    pub associated_data: &'a [u8],
    /// SHA-256 of the associated data and the entry.
    pub binding: &'a [u8; 32],
}

impl<'a> Context<'a> {
    /// Makes the context of an entry without key, salt, associated data and binding.
    pub const fn new(store: StoreId, entry: &'a EntryId) -> Self {
        const ZEROS: &[u8; 32] = &[0; 32];
        Self { store, entry, key: None, salt: ZEROS, associated_data: &[], binding: ZEROS }
    }

    /// Returns the same context with this key.
    #[must_use]
    pub const fn with_key(self, key: Option<&'a StoreKey>) -> Self {
        Self { key, ..self }
    }

    /// Returns the same context with this salt.
    #[must_use]
    pub const fn with_salt(self, salt: &'a [u8; 32]) -> Self {
        Self { salt, ..self }
    }

    /// Returns the same context with these bytes to authenticate, and the digest of them and the
    /// entry.
    #[must_use]
    pub const fn with_binding(self, associated_data: &'a [u8], binding: &'a [u8; 32]) -> Self {
        Self { associated_data, binding, ..self }
    }

    /// Returns the key that the store passed.
    ///
    /// # Errors
    /// [`NoKey`](crate::ErrorKind::NoKey) if the store passed none.
    pub fn store_key(&self) -> Result<&'a StoreKey> {
        self.key.ok_or_else(|| Error::new(crate::ErrorKind::NoKey, "seal"))
    }
}

/// Identifies a store independently of its name and of where its data is: 128 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreId(pub [u8; 16]);

impl StoreId {
    /// Reads the 32 hexadecimal digits that `Display` writes. Capitals are accepted too.
    pub fn parse(text: &str) -> Option<Self> {
        let mut id = [0; 16];
        hex::decode(text.as_bytes(), &mut id).map(|()| Self(id))
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

/// Identifies a key: up to 64 bytes, not secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Vec<u8>);

impl KeyId {
    /// The longest id, in bytes.
    pub const MAX: usize = 64;

    /// Makes an id of these bytes.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if there are more than [`KeyId::MAX`] bytes.
    pub fn new(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > Self::MAX {
            return Err(Error::invalid("key", "the key id is too long"));
        }
        Ok(Self(bytes.to_vec()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

/// A symmetric key of a store, with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreKey {
    /// The key's id.
    pub id: KeyId,
    /// Its 32 bytes.
    pub key: Secret,
}

impl StoreKey {
    /// Makes a key from its id and its 32 bytes.
    pub const fn new(id: KeyId, key: Secret) -> Self {
        Self { id, key }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_from_digits_alone() {
        let id = StoreId([0x1f; 16]);
        for text in [id.to_string(), id.to_string().to_uppercase()] {
            assert_eq!(StoreId::parse(&text), Some(id), "{text}");
        }
        for text in ["+f".repeat(16), "-f".repeat(16), " f".repeat(16), "1f".repeat(15)] {
            assert_eq!(StoreId::parse(&text), None, "{text}");
        }
    }
}
