//! Storages in separate processes.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::{
    Bulk, EntryId, Expect, Guard, Host, LockMode, Locks, Operation, Page, Put, Query, Result,
    Revision, Storage, StorageAbilities, Stored, Values,
};

use super::client::Wait;
use super::instance::{Instance, nothing};
use super::running::Opener;
use keyward_wire::cbor::{Malformed, Map};
use keyward_wire::message::{entry, storage};

/// The largest number of entries in a page, so that it fits into a frame.
pub(super) const MAX_PAGE: usize = 4096;

/// A storage in a separate process.
#[derive(Debug)]
pub(super) struct RunStorage {
    instance: Arc<Instance>,
    abilities: storage::Abilities,
}

impl RunStorage {
    pub(super) fn open(opener: &Opener, values: &Values, host: &Arc<dyn Host>) -> Result<Self> {
        let (instance, abilities) = opener.open(values, host, storage::read_abilities)?;
        Ok(Self { instance: Arc::new(instance), abilities })
    }
}

impl Storage for RunStorage {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        self.instance.call(
            "get",
            |fields| entry::write(fields, id),
            |answer| {
                let blob = answer.get::<&[u8]>("blob")?.to_vec();
                Ok(match answer.find("revision")? {
                    Some(revision) => Stored::new(blob, storage::revision(revision)?),
                    None => Stored::unnumbered(blob),
                })
            },
        )
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        self.instance.call(
            "put",
            |fields| {
                entry::write(fields, id);
                fields.put("blob", blob);
                storage::write_put(fields, put);
            },
            |answer| match answer.find("revision")? {
                Some(revision) => storage::revision(revision),
                None => Ok(Revision::of_content(blob)),
            },
        )
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        self.instance.call(
            "delete",
            |fields| {
                entry::write(fields, id);
                storage::write_expect(fields, expect);
            },
            nothing,
        )
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        let limit = query.limit.min(MAX_PAGE);
        let read = |answer: &Map<'_>| {
            let page = storage::read_page(answer)?;
            if page.entries.len() > limit {
                Err(Malformed("the page is too long"))
            } else {
                Ok(page)
            }
        };
        self.instance.call("list", |fields| storage::write_query(fields, query, limit), read)
    }

    fn destroy(&self) -> Result<()> {
        self.instance.call("destroy", |_| {}, nothing)
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        StorageAbilities {
            persistence: self.abilities.persistence,
            sharing: self.abilities.sharing,
            lists: self.abilities.lists,
            largest: self.abilities.largest,
            bulk: self.abilities.bulk.then_some(self),
            locks: self.abilities.locks.then_some(self),
        }
    }
}

impl Bulk for RunStorage {
    fn apply(&self, operations: &[Operation<'_>]) -> Result<()> {
        self.instance.call("bulk", |fields| storage::write_operations(fields, operations), nothing)
    }
}

impl Locks for RunStorage {
    fn lock(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
        ttl: Duration,
    ) -> Result<Box<dyn Guard>> {
        let lock = self.instance.call_within(
            "lock",
            Wait::Longer(wait),
            |fields| storage::write_lock(fields, id, mode, wait, ttl),
            |answer| answer.get("lock"),
        )?;
        Ok(Box::new(RunGuard { instance: self.instance.clone(), lock }))
    }
}

/// A lock that the child holds.
#[derive(Debug)]
struct RunGuard {
    instance: Arc<Instance>,
    lock: u64,
}

impl Guard for RunGuard {
    fn renew(&mut self, ttl: Duration) -> Result<()> {
        self.instance.call(
            "renew",
            |fields| {
                fields.put("lock", self.lock).put("ttl", storage::millis(ttl));
            },
            nothing,
        )
    }
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        // A child that cannot be reached does not hold a lock any more.
        let _ = self.instance.call(
            "unlock",
            |fields| {
                fields.put("lock", self.lock);
            },
            nothing,
        );
    }
}
