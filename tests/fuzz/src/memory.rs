use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use keyward_core::{Change, EntryId, Error, Page, Query, Record, Result, Source};

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
}
