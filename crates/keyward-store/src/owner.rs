//! Determines to which store a blob belongs.
//!
//! Envelope, keyset and mark all begin with a magic number and the id of their store. A store
//! compares this id with its own before it reads, changes or removes anything: the storage of
//! another store may have been mounted or copied to its place.

use keyward_core::{Error, Result, StoreId};

use crate::store::Store;
use crate::{anchor, envelope, keyset_file};

/// Returns the store that a blob names. The rest of the blob may be damaged.
pub(crate) fn owner(blob: &[u8]) -> Option<StoreId> {
    let magics = [envelope::MAGIC, keyset_file::MAGIC, anchor::MAGIC];
    let id = magics.into_iter().find_map(|magic| blob.strip_prefix(magic))?.first_chunk()?;
    Some(StoreId(*id))
}

impl Store {
    /// Checks that a blob does not belong to another store.
    ///
    /// # Errors
    /// `Corrupt` if the blob names another store.
    pub(crate) fn check_owner(&self, blob: &[u8]) -> Result<()> {
        match owner(blob) {
            Some(store) if store != self.parts.id => Err(foreign_record()),
            _ => Ok(()),
        }
    }
}

/// Returns the error for a record that belongs to another store.
pub(crate) fn foreign_record() -> Error {
    Error::corrupt("open")
        .because("the record belongs to another store")
        .hint("Put the store's own storage back in its place, or restore the record from a backup")
}

/// Returns the error for a storage that belongs to another store.
pub(crate) fn foreign_storage() -> Error {
    Error::corrupt("open").because("the storage belongs to another store").hint(
        "Put the store's own storage back in its place, or correct the path in the store's file",
    )
}
