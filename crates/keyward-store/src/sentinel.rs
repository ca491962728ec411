//! The entry by which a store recognizes its storage.
//!
//! It is written before any record and removed last. It is the keyset, or a mark if there is no
//! keyset. A storage without it, such as a folder that is not mounted, does not count as an empty
//! store.

use keyward_core::{EntryId, Error, ErrorKind, Expect, Keys, Persistence, Put, Result};

use crate::keyset_file;
use crate::owner::{MARK, foreign_storage, owner};
use crate::store::Store;

/// The reserved entry that holds the mark.
fn mark() -> EntryId {
    EntryId::reserved("mark")
}

impl Store {
    /// Returns the id of the entry by which the store recognizes its storage. A durable storage
    /// must have it, one that lasts for a session may have it, the memory of a process and a cache
    /// need none.
    fn sentinel(&self) -> Option<EntryId> {
        let is_private = self.parts.storage.backend.abilities().persistence <= Persistence::Process;
        if is_private || !self.parts.envelope {
            return None;
        }
        Some(match self.parts.encryption.backend.abilities().keys {
            Keys::Store => keyset_file::entry(),
            Keys::None | Keys::Own => mark(),
        })
    }

    /// Writes the mark into the storage of a store that has no keyset.
    pub(crate) fn put_mark(&self) -> Result<()> {
        let Some(sentinel) = self.sentinel().filter(|_| !self.starts_empty()) else {
            return Ok(());
        };
        let blob = [MARK, &self.parts.id.0].concat();
        self.put_confirmed(&sentinel, &blob, Expect::Absent)
    }

    /// Writes a keyset or a mark. If the storage fails, checks whether the storage kept the blob.
    ///
    /// A storage may keep a blob and fail before it confirms that. If the blob is there, it is
    /// written again, because only a write that the storage confirms is durable.
    pub(crate) fn put_confirmed(&self, id: &EntryId, blob: &[u8], expect: Expect) -> Result<()> {
        let put = |expect| self.put_blob(id, blob, &Put::expecting(expect)).map(drop);
        let Err(failure) = put(expect) else { return Ok(()) };
        match self.storage()?.get(id) {
            Ok(stored) if stored.blob == blob => put(Expect::Revision(stored.revision())),
            _ => Err(failure),
        }
    }

    /// Checks that the storage is the one in which the store was made, as far as that is possible.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if it belongs to another store, or its mark or keyset is
    /// damaged; those of the storage.
    pub fn is_created(&self) -> Result<bool> {
        let Some(sentinel) = self.sentinel() else { return Ok(true) };
        match self.storage()?.get(&sentinel) {
            Err(error) if error.is_miss() => Ok(self.starts_empty()),
            Err(error) => self.in_storage(Err(error)),
            Ok(stored) => {
                self.check_sentinel(&stored.blob)?;
                *self.unused_keyset.lock()? = Some(stored.blob);
                Ok(true)
            }
        }
    }

    /// Checks that the content of the sentinel names this store.
    fn check_sentinel(&self, blob: &[u8]) -> Result<()> {
        match owner(blob) {
            Some(store) if store == self.parts.id => Ok(()),
            Some(_) => self.in_storage(Err(foreign_storage())),
            None => self.in_storage(Err(Error::corrupt("open")
                .because("the mark or the keyset of the store is damaged")
                .hint("Put the storage back from a backup"))),
        }
    }

    /// Returns an error if the storage is not the one in which the store was made.
    pub(crate) fn check_present(&self) -> Result<()> {
        if self.is_created()? { Ok(()) } else { Err(self.missing_sentinel()) }
    }

    /// Returns the error for a storage that lacks the sentinel.
    pub(crate) fn missing_sentinel(&self) -> Error {
        // The storage of another store may contain the other of these two entries.
        for other in [keyset_file::entry(), mark()] {
            if let Ok(stored) = self.parts.storage.backend.get(&other)
                && owner(&stored.blob).is_some_and(|store| store != self.parts.id)
            {
                return foreign_storage().in_backend(&self.parts.storage.name);
            }
        }
        if self.parts.encryption.backend.abilities().keys == Keys::Store {
            return Error::new(ErrorKind::NoKey, "open")
                .because("the store's keyset is missing from its storage")
                .hint("Put the storage back from a backup that has the keyset, or mount it");
        }
        Error::new(ErrorKind::Unavailable, "open")
            .because("the store's mark is missing from its storage")
            .hint("Mount the storage, or put it back from a backup")
            .in_backend(&self.parts.storage.name)
    }
}
