//! Reseals entries: one by one, or many at once if the storage supports that.

use std::sync::Arc;

use keyward_core::{Bulk, EntryId, ErrorKind, Expect, Keys, Operation, Put, Result, Stored};

use crate::envelope::{Envelope, Header};
use crate::keyset::Keyset;
use crate::keyset_cache::Missing;
use crate::rotate::Rotated;
use crate::store::Store;

/// How many entries are resealed at once.
const BATCH: usize = 32;

/// The largest total size of blobs in memory for that; larger entries are resealed one by one.
const BATCH_BYTES: usize = 1 << 20;

impl Store {
    /// Reseals every entry with the current key, and calls `done` for each.
    pub(crate) fn reseal_all(&self, done: &mut dyn FnMut(&EntryId)) -> Result<Rotated> {
        let mut rotated = Rotated::default();
        let mut entries = self.entries(None);
        loop {
            let ids = entries.by_ref().take(self.batch()).collect::<Result<Vec<_>>>()?;
            if ids.is_empty() {
                return Ok(rotated);
            }
            let resealed = self.reseal_batch(&ids)?;
            rotated.resealed += resealed;
            rotated.current += ids.len() as u64 - resealed;
            ids.iter().for_each(&mut *done);
        }
    }

    /// Reseals the entries that are sealed with an old key, and returns how many there were.
    pub(crate) fn reseal_rest(&self) -> Result<u64> {
        let keyset = self.current_keyset()?;
        let ids = self.old_entries(keyset.as_deref()).collect::<Result<Vec<_>>>()?;
        ids.chunks(self.batch()).try_fold(0, |resealed, ids| Ok(resealed + self.reseal_batch(ids)?))
    }

    /// Iterates over the entries that are sealed with another key than the current one.
    pub(crate) fn old_entries<'a>(
        &'a self,
        keyset: Option<&'a Keyset>,
    ) -> impl Iterator<Item = Result<EntryId>> + 'a {
        let is_old = move |(id, stored): (EntryId, Result<Stored>)| {
            let Some(stored) = self.if_present(stored)? else { return Ok(None) };
            let header = self.header(&stored)?;
            let current = self.key_for(&id, keyset.map(Keyset::primary))?;
            Ok((header.key != current.as_bytes()).then_some(id))
        };
        self.blobs(self.entries(None)).filter_map(move |blob| blob.and_then(is_old).transpose())
    }

    /// How many entries are resealed at once.
    fn batch(&self) -> usize {
        let Some(bulk) = self.storage_abilities().bulk else { return 1 };
        bulk.limits().operations.unwrap_or(BATCH).clamp(1, BATCH)
    }

    /// Reseals these entries with the current key. Returns how many needed it.
    fn reseal_batch(&self, ids: &[EntryId]) -> Result<u64> {
        if let Some(bulk) = self.storage_abilities().bulk
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
        let most = bulk.limits().bytes.unwrap_or(BATCH_BYTES).min(BATCH_BYTES);
        let keyset = self.current_keyset()?;
        let (mut sealed, mut bytes) = (Vec::with_capacity(ids.len()), 0);
        for blob in self.blobs(ids.iter().cloned().map(Ok)) {
            let (id, stored) = blob?;
            if let Some((blob, put)) = self.reseal_blob(&id, stored, keyset.as_deref())? {
                bytes += blob.len();
                sealed.push((id, blob, put));
            }
            if bytes > most {
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
            let (keyset, stored) = (self.current_keyset()?, self.storage()?.get(id));
            let Some((blob, put)) = self.reseal_blob(id, stored, keyset.as_deref())? else {
                return Ok(false);
            };
            match self.put_blob(id, &blob, &put) {
                Ok(_) => return Ok(true),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the keyset, if the store has one.
    fn current_keyset(&self) -> Result<Option<Arc<Keyset>>> {
        match self.parts.encryption.backend.abilities().keys {
            Keys::Store => self.keyset(Missing::Error).map(Some),
            Keys::None | Keys::Own => Ok(None),
        }
    }

    /// Returns the entry's blob, sealed with the current key, and the condition under which it
    /// replaces the old one; `None` if the entry no longer exists, or is already sealed with it.
    fn reseal_blob(
        &self,
        id: &EntryId,
        stored: Result<Stored>,
        keyset: Option<&Keyset>,
    ) -> Result<Option<(Vec<u8>, Put)>> {
        let Some(stored) = self.if_present(stored)? else { return Ok(None) };
        let (header, key) = (self.header(&stored)?, keyset.map(Keyset::primary));
        if header.key == self.key_for(id, key)?.as_bytes() {
            return Ok(None);
        }
        let plain = self.unseal_bytes(id, &stored.blob)?;
        let blob = self.seal_bytes(id, &plain, key, header.generation.saturating_add(1))?;
        self.check_size(&blob)?;
        let expires = self.decode(&plain)?.expires;
        let put = Put::expecting(Expect::Revision(stored.revision())).expiring(expires);
        Ok(Some((blob, put)))
    }

    /// Returns what the storage returned for an entry; `None` if the entry no longer exists.
    fn if_present(&self, stored: Result<Stored>) -> Result<Option<Stored>> {
        match stored {
            Err(error) if error.is_miss() => Ok(None),
            stored => self.in_storage(stored).map(Some),
        }
    }

    /// Returns the header of a blob of this store.
    fn header<'a>(&self, stored: &'a Stored) -> Result<Header<'a>> {
        let header = Envelope::parse(&stored.blob)?.header;
        self.check_place(&header)?;
        Ok(header)
    }
}
