//! Turns a record into a blob: encodes it, adds the envelope, seals it. And the reverse.

use keyward_core::{
    Context, EntryId, Error, ErrorKind, KeyId, Keys, Record, Result, Secret, StoreKey,
};
use keyward_fs::random;

use crate::binding;
use crate::envelope::{Envelope, Header};
use crate::keyset::Keyset;
use crate::keyset_cache::Missing;
use crate::owner::foreign_record;
use crate::store::Store;

impl Store {
    /// Returns the blob that the storage keeps for a record.
    pub(crate) fn seal(&self, id: &EntryId, record: &Record, generation: u64) -> Result<Vec<u8>> {
        let parts = &self.parts;
        let plain = parts
            .serializer
            .backend
            .encode(record)
            .map_err(|error| parts.serializer.failed(error))?;
        let keyset = match parts.encryption.backend.abilities().keys {
            Keys::Store => Some(self.keyset(Missing::Make)?),
            Keys::None | Keys::Own => None,
        };
        self.seal_bytes(id, &plain, keyset.as_deref().map(Keyset::primary), generation)
    }

    pub(crate) fn seal_bytes(
        &self,
        id: &EntryId,
        plain: &Secret,
        key: Option<&StoreKey>,
        generation: u64,
    ) -> Result<Vec<u8>> {
        let encryption = &self.parts.encryption;
        let failed = |error: Error| encryption.failed(error);
        if !self.parts.envelope {
            return self
                .without_envelope(id, |context| encryption.backend.seal(plain, context))
                .map_err(failed);
        }
        let key_id = self.key_for(id, key)?;
        let header = Header {
            store: self.parts.id,
            serializer: &self.parts.serializer.name,
            encryption: &encryption.name,
            key: key_id.as_bytes(),
            generation,
            salt: random()?,
        };
        let mut blob = header.encode()?;
        let digest = binding::digest(&blob, id);
        let context = Context::new(header.store, id)
            .with_key(key)
            .with_salt(&header.salt)
            .with_binding(&blob, &digest);
        let bound;
        let plain = if encryption.backend.abilities().binds_context {
            plain
        } else {
            bound = binding::bind(plain, &blob, id);
            &bound
        };
        let sealed = encryption.backend.seal(plain, &context).map_err(failed)?;
        blob.extend_from_slice(&sealed);
        Ok(blob)
    }

    /// Returns the record in a blob of this entry.
    pub(crate) fn unseal(&self, id: &EntryId, blob: &[u8]) -> Result<Record> {
        self.decode(&self.unseal_bytes(id, blob)?)
    }

    /// Decodes a record.
    pub(crate) fn decode(&self, plain: &Secret) -> Result<Record> {
        let serializer = &self.parts.serializer;
        serializer.backend.decode(plain.expose()).map_err(|error| serializer.failed(error))
    }

    pub(crate) fn unseal_bytes(&self, id: &EntryId, blob: &[u8]) -> Result<Secret> {
        let encryption = &self.parts.encryption;
        let failed = |error: Error| encryption.failed(error);
        if !self.parts.envelope {
            self.check_owner(blob)?;
            return self
                .without_envelope(id, |context| encryption.backend.unseal(blob, context))
                .map_err(failed);
        }
        let Envelope { header, header_bytes, sealed } = Envelope::parse(blob)?;
        self.check_place(&header)?;
        let abilities = encryption.backend.abilities();
        let keyset = match abilities.keys {
            Keys::Store => Some(self.keyset_with(header.key)?),
            Keys::None | Keys::Own => None,
        };
        let key = match &keyset {
            Some(keyset) => Some(keyset.find(header.key).ok_or_else(unknown_key)?),
            None => None,
        };
        let digest = binding::digest(header_bytes, id);
        let context = Context::new(header.store, id)
            .with_key(key)
            .with_salt(&header.salt)
            .with_binding(header_bytes, &digest);
        let plain = encryption.backend.unseal(sealed, &context).map_err(failed)?;
        if abilities.binds_context { Ok(plain) } else { binding::unbind(&plain, header_bytes, id) }
    }

    /// Returns the key id that a seal for this entry would have now.
    pub(crate) fn key_for(&self, id: &EntryId, key: Option<&StoreKey>) -> Result<KeyId> {
        match key {
            Some(key) => Ok(key.id.clone()),
            None => {
                let encryption = &self.parts.encryption;
                let current = encryption.backend.current_key(id);
                Ok(current.map_err(|error| encryption.failed(error))?.unwrap_or_default())
            }
        }
    }

    /// Checks that a header matches the store that reads it.
    pub(crate) fn check_place(&self, header: &Header<'_>) -> Result<()> {
        if header.store != self.parts.id {
            return Err(foreign_record());
        }
        let why = if header.serializer != self.parts.serializer.name {
            "the record was written with another serializer than the store's"
        } else if header.encryption != self.parts.encryption.name {
            "the record was sealed with another encryption than the store's"
        } else {
            return Ok(());
        };
        Err(Error::corrupt("open").because(why))
    }

    /// Seals or opens without an envelope, and so without a header.
    fn without_envelope<T>(
        &self,
        id: &EntryId,
        work: impl FnOnce(&Context<'_>) -> Result<T>,
    ) -> Result<T> {
        let digest = binding::digest(&[], id);
        work(&Context::new(self.parts.id, id).with_binding(&[], &digest))
    }
}

fn unknown_key() -> Error {
    Error::new(ErrorKind::NoKey, "open")
        .because("the key that sealed this record is not in the store's keyset")
}
