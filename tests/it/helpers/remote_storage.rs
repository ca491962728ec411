//! A storage as a network service has one: a test counts the calls, and chooses what the service can
//! do.
//!
//! The service belongs to the thread that started it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use keyward::Keyward;
use keyward_core::{
    Backend, Bulk, BulkLimits, EntryId, Error, ErrorKind, Expect, Host, Info, NoOptions, Operation,
    Page, Persistence, Put, Query, Registration, Registry, Result, Revision, Sharing, Storage,
    StorageAbilities, Stored, Swaps, Values, get_each,
};

use crate::helpers::expiring_locks::ExpiringLocks;
use crate::helpers::home::Home;

thread_local! {
    static SERVICE: RefCell<Option<Arc<Service>>> = RefCell::default();
}

/// What a service can do, and what it keeps.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) persistence: Persistence,
    pub(crate) swaps: Swaps,
    /// `None` without bulk.
    pub(crate) bulk: Option<BulkLimits>,
    /// `None` without locks.
    pub(crate) locks: Option<ExpiringLocks>,
    pub(crate) kept: Box<dyn Storage>,
    pub(crate) calls: Mutex<BTreeMap<&'static str, usize>>,
}

impl Service {
    /// A durable service that checks all conditions, has a bulk without limits, and no locks.
    pub(crate) fn new(host: &Arc<dyn Host>) -> Self {
        let memory = Registry::linked().unwrap().open("memory", &Values::new(), host).unwrap();
        Self {
            persistence: Persistence::Durable,
            swaps: Swaps::All,
            bulk: Some(BulkLimits::default()),
            locks: None,
            kept: memory,
            calls: Mutex::default(),
        }
    }

    /// Starts the service for this thread, and returns a library that can use its storage `remote`.
    pub(crate) fn start(self, home: &Home) -> (Keyward, Arc<Self>) {
        let service = Arc::new(self);
        SERVICE.set(Some(Arc::clone(&service)));
        let linked = Registry::linked().unwrap();
        let remote = Registration::storage::<Remote>("keyward-tests", "0");
        let backends = linked.iter().cloned().chain([remote]);
        (home.library().with_backends(Registry::new(backends).unwrap()), service)
    }

    /// Returns how many calls there were since the last time, by name.
    pub(crate) fn take_calls(&self) -> BTreeMap<&'static str, usize> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    fn count(&self, call: &'static str) {
        *self.calls.lock().unwrap().entry(call).or_default() += 1;
    }
}

#[derive(Debug)]
struct Remote(Arc<Service>);

impl Backend for Remote {
    const INFO: Info = Info::new("remote", "A service of a test");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        SERVICE.with_borrow(|service| Ok(Self(service.clone().unwrap())))
    }
}

impl Storage for Remote {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        self.0.count("get");
        self.0.kept.get(id)
    }

    fn get_many(&self, ids: &[EntryId]) -> Result<Vec<Result<Stored>>> {
        self.0.count("get_many");
        Ok(get_each(ids, |id| self.0.kept.get(id)))
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        self.0.count("put");
        self.check(Swaps::Puts, &put.expect)?;
        self.0.kept.put(id, blob, put)
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        self.0.count("delete");
        self.check(Swaps::All, expect)?;
        self.0.kept.delete(id, expect)
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        self.0.count("list");
        self.0.kept.list(query)
    }

    fn destroy(&self) -> Result<()> {
        self.0.count("destroy");
        self.0.kept.destroy()
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        let mut abilities =
            StorageAbilities::new(self.0.persistence, Sharing::Network).swaps(self.0.swaps);
        if self.0.bulk.is_some() {
            abilities = abilities.bulk(self);
        }
        match &self.0.locks {
            Some(locks) => abilities.locks(locks),
            None => abilities,
        }
    }
}

impl Remote {
    fn check(&self, needed: Swaps, expect: &Expect) -> Result<()> {
        if *expect == Expect::Any || self.0.swaps >= needed {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unsupported, "put").because("it cannot check this condition"))
    }
}

impl Bulk for Remote {
    fn apply(&self, operations: &[Operation<'_>]) -> Result<Vec<Option<Revision>>> {
        self.0.count("apply");
        let most = self.limits().operations.unwrap_or(usize::MAX);
        assert!(operations.len() <= most, "the bulk is larger than its limit");
        let apply = |operation: &Operation<'_>| match operation {
            Operation::Put(id, blob, put) => self.0.kept.put(id, blob, put).map(Some),
            Operation::Delete(id, expect) => self.0.kept.delete(id, expect).map(|()| None),
            _ => unreachable!("there are no others"),
        };
        operations.iter().map(apply).collect()
    }

    fn limits(&self) -> BulkLimits {
        self.0.bulk.unwrap_or_default()
    }
}
