//! The form of a keyset in the storage: wrapped with the key of a key source.

use keyward_core::{Context, EntryId, Error, KeyId, Result, Secret, StoreId, StoreKey};
use keyward_fs::random;

use crate::binding;
use crate::cursor::{Bytes, put_short};
use crate::keyset::Keyset;
use crate::owner::{KEYSET, foreign_storage};
use crate::parts::Parts;

const MAX_PARAMETERS: usize = 1024;

/// The reserved entry that holds the keyset.
pub(crate) fn entry() -> EntryId {
    EntryId::reserved("keyset")
}

/// Returns the id under which the key source keeps the key that wraps this store's keyset.
pub(crate) fn wrapping_key(store: StoreId) -> KeyId {
    KeyId::new(&store.0).expect("a store id is shorter than the longest key id")
}

/// The header before the wrapped keys. It is authenticated along with them.
#[derive(Debug)]
pub(crate) struct Header {
    store: StoreId,
    encryption: String,
    source: String,
    pub(crate) parameters: Vec<u8>,
    salt: [u8; 32],
}

impl Header {
    fn encode(&self) -> Result<Vec<u8>> {
        if self.parameters.is_empty() || self.parameters.len() > MAX_PARAMETERS {
            return Err(Error::invalid("keyset", "the key source returned no usable parameters"));
        }
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(KEYSET);
        bytes.extend_from_slice(&self.store.0);
        put_short(&mut bytes, self.encryption.as_bytes())?;
        put_short(&mut bytes, self.source.as_bytes())?;
        bytes.extend_from_slice(&(self.parameters.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&self.parameters);
        bytes.extend_from_slice(&self.salt);
        Ok(bytes)
    }

    /// Returns the header of a wrapped keyset, and its length.
    ///
    /// # Errors
    /// `Corrupt` if this is not a keyset of this store.
    pub(crate) fn parse(blob: &[u8], parts: &Parts) -> Result<(Self, usize)> {
        let corrupt = || Error::corrupt("keyset");
        let mut bytes = Bytes::new(blob, "keyset");
        bytes.expect(KEYSET)?;
        let store = StoreId(bytes.array()?);
        if store != parts.id {
            return Err(foreign_storage());
        }
        let encryption = bytes.name()?.to_owned();
        let source = bytes.name()?.to_owned();
        let length = usize::from(u16::from_be_bytes(bytes.array()?));
        if length == 0 || length > MAX_PARAMETERS {
            return Err(corrupt());
        }
        let parameters = bytes.take(length)?.to_vec();
        let header = Self { store, encryption, source, parameters, salt: bytes.array()? };
        let length = blob.len() - bytes.rest().len();
        let ours = header.encryption == parts.encryption.name
            && parts.key.as_ref().is_some_and(|key| key.name == header.source);
        if ours && header.encode()? == blob[..length] {
            Ok((header, length))
        } else {
            Err(corrupt())
        }
    }
}

/// Wraps a keyset with `key`, which the key source returned along with `parameters`.
pub(crate) fn wrap(
    parts: &Parts,
    keyset: &Keyset,
    key: &Secret,
    parameters: &[u8],
) -> Result<Vec<u8>> {
    let header = Header {
        store: parts.id,
        encryption: parts.encryption.name.clone(),
        source: parts.key.as_ref().map(|key| key.name.clone()).unwrap_or_default(),
        parameters: parameters.to_vec(),
        salt: random()?,
    };
    let mut blob = header.encode()?;
    let sealed = with_context(&header, &blob, key, |context| {
        parts.encryption.backend.seal(&keyset.encode()?, context)
    })
    .map_err(|error| parts.encryption.failed(error))?;
    blob.extend_from_slice(&sealed);
    Ok(blob)
}

/// Unwraps a keyset with `key`.
///
/// # Errors
/// `Corrupt` if the key is wrong or the keyset was altered.
pub(crate) fn unwrap(parts: &Parts, blob: &[u8], key: &Secret) -> Result<Keyset> {
    let (header, length) = Header::parse(blob, parts)?;
    let (header_bytes, sealed) = blob.split_at(length);
    let plain = with_context(&header, header_bytes, key, |context| {
        parts.encryption.backend.unseal(sealed, context)
    })
    .map_err(|error| parts.encryption.failed(error))?;
    Keyset::decode(&plain)
}

fn with_context<T>(
    header: &Header,
    header_bytes: &[u8],
    key: &Secret,
    work: impl FnOnce(&Context<'_>) -> Result<T>,
) -> Result<T> {
    let entry = entry();
    let key = StoreKey::new(wrapping_key(header.store), key.clone());
    let digest = binding::digest(header_bytes, &entry);
    let context = Context::new(header.store, &entry).with_key(Some(&key));
    work(&context.with_salt(&header.salt).with_binding(header_bytes, &digest))
}
