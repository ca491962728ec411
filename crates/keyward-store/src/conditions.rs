//! Changes entries under a condition, also in storages that cannot check it.

use keyward_core::{EntryId, Expect, LockMode, Put, Result, Revision, Swaps};

use crate::store::{Store, WAIT};

impl Store {
    /// Whether concurrent changes of one entry can overwrite each other: the storage can neither
    /// check the condition of a change nor lock.
    pub fn last_writer_wins(&self) -> bool {
        let abilities = self.storage_abilities();
        abilities.swaps < Swaps::All && abilities.locks.is_none()
    }

    /// Whether concurrent writers of one entry can overwrite each other.
    pub(crate) fn loses_puts(&self) -> bool {
        self.storage_abilities().swaps < Swaps::Puts && self.last_writer_wins()
    }

    /// Writes a blob, if the condition holds.
    pub(crate) fn put_blob(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        self.check_size(blob)?;
        self.under(Swaps::Puts, id, &put.expect, |expect| {
            let put = Put::expecting(expect.clone()).expiring(put.expires);
            self.in_storage(self.storage()?.put(id, blob, &put))
        })
    }

    /// Removes an entry, if the condition holds.
    pub(crate) fn delete_blob(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        self.under(Swaps::All, id, expect, |expect| {
            self.check_miss(self.storage()?.delete(id, expect))
        })
    }

    /// Makes a change under a condition. If the storage cannot check the condition, the store does,
    /// under a lock of the storage if it has locks; otherwise a writer that comes between check and
    /// change is overwritten.
    ///
    /// This lock is the last that is taken, and nothing waits while it is held.
    fn under<T>(
        &self,
        needed: Swaps,
        id: &EntryId,
        expect: &Expect,
        change: impl FnOnce(&Expect) -> Result<T>,
    ) -> Result<T> {
        if *expect == Expect::Any || self.storage_abilities().swaps >= needed {
            return change(expect);
        }
        let _guard = self.lock_named(&EntryId::reserved("swap"), LockMode::Exclusive, WAIT)?;
        let found = match self.storage()?.get(id) {
            Err(error) if error.is_miss() => None,
            found => Some(self.in_storage(found)?.revision()),
        };
        self.in_storage(expect.check("put", found.as_ref()))?;
        change(&Expect::Any)
    }
}
