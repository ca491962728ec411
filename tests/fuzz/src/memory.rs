use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use keyward_core::{
    Change, EntryId, EntryLock, Error, Exclusion, LockMode, Page, Query, Record, Result, Source,
};

/// Unencrypted records in memory, for one run.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<BTreeMap<EntryId, Record>>);

impl Memory {
    pub(crate) fn put(&self, id: EntryId, record: Record) {
        self.records().insert(id, record);
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<EntryId, Record>> {
        self.0.lock().expect("no thread panicked")
    }
}

impl Source for Memory {
    fn get(&self, id: &EntryId) -> Result<Record> {
        self.records().get(id).cloned().ok_or_else(|| Error::not_found("get"))
    }

    fn contains(&self, id: &EntryId) -> Result<bool> {
        Ok(self.records().contains_key(id))
    }

    fn update(
        &self,
        id: &EntryId,
        change: &mut dyn FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        let mut records = self.records();
        match change(records.get(id).cloned())? {
            Change::Leave => {}
            Change::Put(record) => drop(records.insert(id.clone(), *record)),
            Change::Remove => drop(records.remove(id)),
        }
        Ok(())
    }

    fn list(&self, _: &Query<'_>) -> Result<Page> {
        Ok(Page::default())
    }

    fn lock(&self, id: &EntryId, _: LockMode, _: Duration) -> Result<Box<dyn EntryLock + '_>> {
        Ok(Box::new(Locked { memory: self, id: id.clone() }))
    }
}

/// A lock that excludes no one: a run has one thread.
#[derive(Debug)]
struct Locked<'a> {
    memory: &'a Memory,
    id: EntryId,
}

impl EntryLock for Locked<'_> {
    fn exclusion(&self) -> Exclusion {
        Exclusion::Process
    }

    fn renew(&mut self, _: Duration) -> Result<()> {
        Ok(())
    }

    fn update(&mut self, change: &mut dyn FnMut(Option<Record>) -> Result<Change>) -> Result<()> {
        self.memory.update(&self.id, change)
    }
}
