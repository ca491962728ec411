use std::fmt::{self, Debug};

use crate::{EntryId, Error, Result, Secret};

/// Seals bytes so that they open only in the same context.
///
/// Implemented by backends; callers go through a store, which frames what is sealed in an
/// envelope and, where the encryption cannot bind context itself, binds it there.
///
/// # Contract
/// - `unseal` of what `seal` gave, under an equal [`Context`], is the same bytes.
/// - An encryption that says [`binds_context`](EncryptionAbilities::binds_context) opens under
///   no other context; one that [`authenticates`](EncryptionAbilities::authenticates) opens no
///   altered blob.
/// - Two seals of the same bytes differ, unless the encryption is none.
///
/// # Errors
/// - [`Corrupt`](crate::ErrorKind::Corrupt), without a source: altered, cut or another context.
/// - [`NoKey`](crate::ErrorKind::NoKey): the key is not there, or none of them fits.
///
/// # Security
/// An encryption never sees a storage, and logs neither plaintext nor key.
#[expect(clippy::missing_errors_doc, reason = "the trait's own page says it for all of them")]
pub trait Encryption: Debug + Send + Sync {
    /// What this opened instance can do.
    fn abilities(&self) -> EncryptionAbilities;

    /// The key that a seal for `entry` would use now, where the encryption brings its own;
    /// `None` where the store hands one in, or none is used.
    fn current_key(&self, entry: &EntryId) -> Result<Option<KeyId>>;

    /// Seals `plain` for this context.
    fn seal(&self, plain: &Secret, context: &Context<'_>) -> Result<Vec<u8>>;

    /// Opens what was sealed for this context.
    fn unseal(&self, blob: &[u8], context: &Context<'_>) -> Result<Secret>;
}

/// What an encryption can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncryptionAbilities {
    /// Whether it is the encryption itself that ties a blob to its context.
    pub binds_context: bool,
    /// Whether only who holds the key could have made a blob that opens.
    pub authenticates: bool,
    /// Where its keys come from.
    pub keys: Keys,
}

/// Where an encryption's keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// There are none: nothing is encrypted.
    None,
    /// The store hands a 256-bit key in with each context.
    Store,
    /// The encryption brings its own, as age does with recipients and identities.
    Own,
}

/// What a blob is sealed for. It is never stored as a whole: who opens supplies it.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The store.
    pub store: StoreId,
    /// The entry.
    pub entry: &'a EntryId,
    /// The key, for encryptions whose keys are [`Keys::Store`].
    pub key: Option<&'a StoreKey>,
    /// 32 bytes drawn afresh for this seal; zeros where there is no envelope to keep them.
    pub salt: &'a [u8; 32],
    /// The envelope's header: bytes to authenticate beside the content.
    pub associated_data: &'a [u8],
    /// SHA-256 of the associated data and the entry.
    pub binding: &'a [u8; 32],
}

impl<'a> Context<'a> {
    /// The key that the store handed in.
    ///
    /// # Errors
    /// [`NoKey`](crate::ErrorKind::NoKey) if it handed in none.
    pub fn store_key(&self) -> Result<&'a StoreKey> {
        self.key.ok_or_else(|| Error::new(crate::ErrorKind::NoKey, "seal"))
    }
}

/// A store, whatever it is called and wherever its data lies: 128 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreId(pub [u8; 16]);

impl StoreId {
    /// Reads the 32 hexadecimal digits that `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut id = [0; 16];
        // `from_str_radix` would take a sign.
        if text.len() != 32 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (byte, digits) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(id))
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// Which key: up to 64 bytes, not secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Vec<u8>);

impl KeyId {
    /// The longest id, in bytes.
    pub const MAX: usize = 64;

    /// An id of these bytes.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if there are more than [`KeyId::MAX`].
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
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A symmetric key of a store, with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreKey {
    /// Which key it is.
    pub id: KeyId,
    /// Its 32 bytes.
    pub key: Secret,
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
