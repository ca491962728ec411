use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyward_core::{
    Bulk, BulkLimits, EntryId, Error, Exclusion, Expect, Guard, LockMode, Locks, Operation, Page,
    Put, Query, Result, Revision, Secret, Storage, StorageAbilities, Stored, get_each,
};
use keyward_wire::cbor::{Fields, Malformed, Map};
use keyward_wire::message::{self, Call, entry, storage};

use super::{Messages, Served, answer, argument, not_valid, unknown};
use crate::process::instance::{Instance, nothing};

/// The largest number of entries in a page, so that it fits into a frame.
pub(crate) const MAX_PAGE: usize = 4096;

impl Messages for dyn Storage {
    const CALLS: &'static [&'static str] =
        &["get", "get_many", "put", "delete", "list", "destroy", "bulk", "lock", "renew", "unlock"];

    type Abilities = storage::Abilities;

    fn read_abilities(answer: &Map<'_>) -> Result<storage::Abilities, Malformed> {
        storage::read_abilities(answer)
    }

    fn call_child(instance: Instance, abilities: storage::Abilities) -> Box<Self> {
        Box::new(ChildStorage { instance: Arc::new(instance), abilities })
    }

    fn serve(storage: Box<Self>) -> Box<dyn Served> {
        Box::new(ServedStorage { guards: Mutex::default(), storage })
    }
}

/// A storage in a child.
#[derive(Debug)]
struct ChildStorage {
    instance: Arc<Instance>,
    abilities: storage::Abilities,
}

impl Storage for ChildStorage {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        self.instance.call(
            "get",
            |fields| entry::write(fields, id),
            |answer| {
                let blob = answer.get::<&[u8]>("blob")?.to_vec();
                Ok(match answer.find("revision")? {
                    Some(revision) => Stored::new(blob, storage::revision(revision)?),
                    None => Stored::without_revision(blob),
                })
            },
        )
    }

    fn get_many(&self, ids: &[EntryId]) -> Result<Vec<Result<Stored>>> {
        if !self.abilities.get_many || ids.is_empty() {
            return Ok(get_each(ids, |id| self.get(id)));
        }
        let ids = &ids[..ids.len().min(MAX_PAGE)];
        let results = self.instance.call(
            "get_many",
            |fields| storage::write_entries(fields, ids),
            |answer| {
                let results = storage::read_results(answer)?;
                let fits = (1..=ids.len()).contains(&results.len());
                if fits { Ok(results) } else { Err(Malformed("the number of results")) }
            },
        )?;
        let named = |error| self.instance.entry_error(error);
        Ok(results.into_iter().map(|result| result.map_err(named)).collect())
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
        let able = &self.abilities;
        let mut abilities = StorageAbilities::new(able.persistence, able.sharing).swaps(able.swaps);
        abilities.lists = able.lists;
        abilities.largest = able.largest;
        abilities.bulk = able.bulk.then_some(self);
        abilities.locks = able.locks.then_some(self);
        abilities
    }
}

impl Bulk for ChildStorage {
    fn apply(&self, operations: &[Operation<'_>]) -> Result<Vec<Option<Revision>>> {
        let given = self.instance.call(
            "bulk",
            |fields| storage::write_operations(fields, operations),
            storage::read_revisions,
        )?;
        // A child may omit revisions that follow from the content.
        let mut given = given.into_iter();
        let revision = |operation: &Operation<'_>| {
            let given = given.next().flatten();
            match operation {
                Operation::Put(_, blob, _) => {
                    Some(given.unwrap_or_else(|| Revision::of_content(blob)))
                }
                _ => None,
            }
        };
        Ok(operations.iter().map(revision).collect())
    }

    fn limits(&self) -> BulkLimits {
        self.abilities.bulk_limits
    }
}

impl Locks for ChildStorage {
    fn lock(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
        ttl: Duration,
    ) -> Result<Box<dyn Guard>> {
        let lock = self.instance.call_longer(
            "lock",
            wait,
            |fields| storage::write_lock(fields, id, mode, wait, ttl),
            |answer| answer.get("lock"),
        )?;
        Ok(Box::new(ChildGuard { instance: self.instance.clone(), lock }))
    }

    fn exclusion(&self) -> Exclusion {
        self.abilities.exclusion
    }
}

/// A lock that the child holds.
#[derive(Debug)]
struct ChildGuard {
    instance: Arc<Instance>,
    lock: u64,
}

impl Guard for ChildGuard {
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

impl Drop for ChildGuard {
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

/// A storage of this process, and the locks that are held in it, which are released first.
struct ServedStorage {
    guards: Mutex<Guards>,
    storage: Box<dyn Storage>,
}

/// The locks that a host holds, by number.
#[derive(Default)]
struct Guards {
    last: u64,
    held: BTreeMap<u64, HeldGuard>,
}

/// A lock; `None` after it was released.
type HeldGuard = Arc<Mutex<Option<Box<dyn Guard>>>>;

impl Served for ServedStorage {
    fn write_abilities(&self, fields: &mut Fields<'_>) {
        storage::write_abilities(fields, &self.storage.abilities());
    }

    fn call(&self, call: &Call<'_>) -> Result<Secret> {
        let arguments = &call.arguments;
        let id = || entry::read(arguments).map_err(not_valid);
        match call.name {
            "get" => {
                let stored = self.storage.get(&id()?)?;
                answer(call, |fields| {
                    fields.put("blob", &stored.blob[..]);
                    fields.put("revision", stored.revision().as_bytes());
                })
            }
            "get_many" => {
                let ids = storage::read_entries(arguments).map_err(not_valid)?;
                let results = self.storage.get_many(&ids)?;
                answer(call, |fields| storage::write_results(fields, &results))
            }
            "put" => {
                let put = storage::read_put(arguments).map_err(not_valid)?;
                let revision = self.storage.put(&id()?, argument(call, "blob")?, &put)?;
                answer(call, |fields| {
                    fields.put("revision", revision.as_bytes());
                })
            }
            "delete" => {
                self.storage
                    .delete(&id()?, &storage::read_expect(arguments).map_err(not_valid)?)?;
                answer(call, message::nothing)
            }
            "list" => {
                let page =
                    self.storage.list(&storage::read_query(arguments).map_err(not_valid)?)?;
                answer(call, |fields| storage::write_page(fields, &page))
            }
            "destroy" => {
                self.storage.destroy()?;
                answer(call, message::nothing)
            }
            "bulk" => self.bulk(call),
            "lock" => self.lock(call),
            "renew" => self.renew(call),
            "unlock" => {
                let held =
                    self.guards().held.remove(&argument(call, "lock")?).ok_or_else(no_lock)?;
                // If another call is renewing it, it is released after that.
                drop(lock_mutex(&held).take());
                answer(call, message::nothing)
            }
            _ => Err(unknown()),
        }
    }
}

impl ServedStorage {
    fn bulk(&self, call: &Call<'_>) -> Result<Secret> {
        let bulk = self.storage.abilities().bulk.ok_or_else(unknown)?;
        let received = storage::read_operations(&call.arguments).map_err(not_valid)?;
        let operations: Vec<Operation<'_>> =
            received.iter().map(storage::Received::operation).collect();
        let revisions = bulk.apply(&operations)?;
        answer(call, |fields| storage::write_revisions(fields, &revisions))
    }

    fn lock(&self, call: &Call<'_>) -> Result<Secret> {
        let locks: &dyn Locks = self.storage.abilities().locks.ok_or_else(unknown)?;
        let arguments = &call.arguments;
        let id = entry::read(arguments).map_err(not_valid)?;
        let mode = storage::read_mode(arguments).map_err(not_valid)?;
        let wait = storage::read_millis(arguments, "wait").map_err(not_valid)?;
        let ttl = storage::read_millis(arguments, "ttl").map_err(not_valid)?;
        let guard = locks.lock(&id, mode, wait, ttl)?;
        let mut guards = self.guards();
        guards.last += 1;
        let lock = guards.last;
        guards.held.insert(lock, Arc::new(Mutex::new(Some(guard))));
        drop(guards);
        answer(call, |fields| {
            fields.put("lock", lock);
        })
    }

    fn renew(&self, call: &Call<'_>) -> Result<Secret> {
        let lock = argument(call, "lock")?;
        let ttl = storage::read_millis(&call.arguments, "ttl").map_err(not_valid)?;
        // Other calls may take and release locks during the renewal.
        let held = self.guards().held.get(&lock).cloned().ok_or_else(no_lock)?;
        lock_mutex(&held).as_mut().ok_or_else(no_lock)?.renew(ttl)?;
        answer(call, message::nothing)
    }

    fn guards(&self) -> MutexGuard<'_, Guards> {
        lock_mutex(&self.guards)
    }
}

fn lock_mutex<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_lock() -> Error {
    Error::invalid("call", "there is no such lock")
}
