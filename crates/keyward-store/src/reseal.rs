//! Reseals entries: one by one, or many at once if the storage supports that.

use keyward_core::{Bulk, EntryId, ErrorKind, Expect, Keys, Operation, Put, Result};

use crate::envelope::Envelope;
use crate::keyset::Keyset;
use crate::keyset_cache::Missing;
use crate::rotate::Rotated;
use crate::store::Store;

/// How many entries are resealed at once.
const BATCH: usize = 16;

/// The largest total size of blobs in memory for that; larger entries are resealed one by one.
const BATCH_BYTES: usize = 1 << 20;

impl Store {
    /// Reseals every entry with the current key, and calls `done` for each.
    pub(crate) fn reseal_all(&self, done: &mut dyn FnMut(&EntryId)) -> Result<Rotated> {
        let batch = if self.parts.storage.backend.abilities().bulk.is_some() { BATCH } else { 1 };
        let mut rotated = Rotated::default();
        let mut entries = self.entries(None);
        loop {
            let ids = entries.by_ref().take(batch).collect::<Result<Vec<_>>>()?;
            if ids.is_empty() {
                return Ok(rotated);
            }
            let resealed = self.reseal_batch(&ids)?;
            rotated.resealed += resealed;
            rotated.current += ids.len() as u64 - resealed;
            ids.iter().for_each(&mut *done);
        }
    }

    /// Reseals these entries with the current key. Returns how many needed it.
    fn reseal_batch(&self, ids: &[EntryId]) -> Result<u64> {
        if let Some(bulk) = self.parts.storage.backend.abilities().bulk
            && let Ok(Some(resealed)) = self.reseal_at_once(bulk, ids)
        {
            return Ok(resealed);
        }
        // One of the entries is too large, was changed meanwhile, or does not open. Resealing them
        // one by one shows which.
        ids.iter().try_fold(0, |resealed, id| Ok(resealed + u64::from(self.reseal(id)?)))
    }

    /// Reseals all entries or none; none if they are too large.
    fn reseal_at_once(&self, bulk: &dyn Bulk, ids: &[EntryId]) -> Result<Option<u64>> {
        let _writing = self.writing()?;
        let (mut sealed, mut bytes) = (Vec::with_capacity(ids.len()), 0);
        for id in ids {
            if let Some((blob, put)) = self.reseal_blob(id)? {
                bytes += blob.len();
                sealed.push((id, blob, put));
            }
            if bytes > BATCH_BYTES {
                return Ok(None);
            }
        }
        if !sealed.is_empty() {
            self.check_time()?;
            let puts = sealed.iter().map(|(id, blob, put)| Operation::Put(id, blob, put.clone()));
            self.in_storage(bulk.apply(&puts.collect::<Vec<_>>()))?;
        }
        Ok(Some(sealed.len() as u64))
    }

    /// Reseals an entry with the current key. Returns whether that was needed.
    fn reseal(&self, id: &EntryId) -> Result<bool> {
        loop {
            let _writing = self.writing()?;
            let Some((blob, put)) = self.reseal_blob(id)? else { return Ok(false) };
            match self.put_blob(id, &blob, &put) {
                Ok(_) => return Ok(true),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the entry's blob, sealed with the current key, and the condition under which it
    /// replaces the old one; `None` if the entry no longer exists, or is already sealed with it.
    fn reseal_blob(&self, id: &EntryId) -> Result<Option<(Vec<u8>, Put)>> {
        let stored = match self.storage()?.get(id) {
            Err(error) if error.is_miss() => return Ok(None),
            other => self.in_storage(other)?,
        };
        let keyset = match self.parts.encryption.backend.abilities().keys {
            Keys::Store => Some(self.keyset(Missing::Error)?),
            Keys::None | Keys::Own => None,
        };
        let key = keyset.as_deref().map(Keyset::primary);
        let header = Envelope::parse(&stored.blob)?.header;
        self.check_place(&header)?;
        if header.key == self.key_for(id, key)?.as_bytes() {
            return Ok(None);
        }
        let plain = self.unseal_bytes(id, &stored.blob)?;
        let blob = self.seal_bytes(id, &plain, key, header.generation.saturating_add(1))?;
        self.check_size(&blob)?;
        let expires = self.decode(&plain)?.expires;
        Ok(Some((blob, Put::expecting(Expect::Revision(stored.revision())).expiring(expires))))
    }
}
