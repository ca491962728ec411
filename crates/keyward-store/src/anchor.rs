//! The entry by which a store knows its storage again.
//!
//! It is there before any record and goes last: the keyset, or a mark where there is no keyset. A
//! storage without it, such as a folder that is not mounted, is no empty store.

use keyward_core::{EntryId, Error, ErrorKind, Expect, Keys, Persistence, Put, Result, StoreId};

use crate::keyset_file;
use crate::store::Store;

const MAGIC: &[u8] = b"KEYWARDMARK\x01";

/// Whether a blob is the mark of this store.
pub(crate) fn is_of(blob: &[u8], store: StoreId) -> bool {
    blob.strip_prefix(MAGIC) == Some(&store.0)
}

impl Store {
    /// The entry that must be in the storage, if there is such a thing.
    fn anchor(&self) -> Option<EntryId> {
        let durable = self.parts.storage.it.abilities().persistence == Persistence::Durable;
        if !durable || !self.parts.envelope {
            return None;
        }
        Some(match self.parts.encryption.it.abilities().keys {
            Keys::Store => keyset_file::entry(),
            Keys::None | Keys::Own => EntryId::reserved("mark"),
        })
    }

    /// Puts the mark into the storage of a store that has no keyset.
    pub(crate) fn leave_mark(&self) -> Result<()> {
        let Some(anchor) = self.anchor() else { return Ok(()) };
        let blob = [MAGIC, &self.parts.id.0].concat();
        self.put_blob(&anchor, &blob, &Put::expecting(Expect::Absent)).map(drop)
    }

    /// Whether the storage is the one in which the store was made, as far as that can be told.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn is_created(&self) -> Result<bool> {
        let Some(anchor) = self.anchor() else { return Ok(true) };
        match self.parts.storage.it.get(&anchor) {
            Err(error) if error.is_miss() => Ok(false),
            Err(error) => self.in_storage(Err(error)),
            Ok(stored) => {
                *self.seen.lock()? = Some(stored.blob);
                Ok(true)
            }
        }
    }

    /// Fails where the storage is not the one in which the store was made.
    pub(crate) fn check_present(&self) -> Result<()> {
        if self.is_created()? { Ok(()) } else { Err(self.lost()) }
    }

    /// That the storage is not what it was.
    pub(crate) fn lost(&self) -> Error {
        if self.parts.encryption.it.abilities().keys == Keys::Store {
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
