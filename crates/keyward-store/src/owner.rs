//! Determines to which store a blob belongs.
//!
//! Envelope, keyset, mark and lease all begin with a magic number and the id of their store. A store
//! compares this id with its own before it reads, changes or removes anything: the storage of
//! another store may have been mounted or copied to its place.

use keyward_core::{Error, StoreId};

/// The first bytes of a sealed record.
pub(crate) const ENVELOPE: &[u8] = b"KEYWARD\x01";

/// The first bytes of a wrapped keyset.
pub(crate) const KEYSET: &[u8] = b"KEYWARDSET\x01";

/// The first bytes of the mark of a store that has no keyset.
pub(crate) const MARK: &[u8] = b"KEYWARDMARK\x01";

/// The first bytes of the lease on an entry.
pub(crate) const LEASE: &[u8] = b"KEYWARDLEASE\x01";

/// Returns the store that a blob names. The rest of the blob may be damaged.
pub(crate) fn owner(blob: &[u8]) -> Option<StoreId> {
    let id = [ENVELOPE, KEYSET, MARK, LEASE]
        .into_iter()
        .find_map(|magic| blob.strip_prefix(magic))?
        .first_chunk()?;
    Some(StoreId(*id))
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
