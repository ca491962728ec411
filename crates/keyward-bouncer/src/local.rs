use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::sync::{PoisonError, RwLock};

use keyward_core::{Change, EntryId, Error, Page, Query, Record, Result, Source};

/// Keycards in the memory of this process. They end with it.
#[derive(Default)]
pub struct LocalKeycards {
    records: RwLock<BTreeMap<EntryId, Record>>,
}

impl Source for LocalKeycards {
    fn get(&self, id: &EntryId) -> Result<Record> {
        let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
        records.get(id).cloned().ok_or_else(|| Error::not_found("get"))
    }

    fn contains(&self, id: &EntryId) -> Result<bool> {
        let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
        Ok(records.contains_key(id))
    }

    fn update(
        &self,
        id: &EntryId,
        change: &mut dyn FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        let mut records = self.records.write().unwrap_or_else(PoisonError::into_inner);
        match change(records.get(id).cloned())? {
            Change::Put(record) => {
                records.insert(id.clone(), *record);
            }
            Change::Remove => {
                records.remove(id);
            }
            Change::Leave => {}
        }
        Ok(())
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
        query.page_in_order(|user, name| {
            let first = EntryId::restore(user, name)?;
            Ok(records.range(first..).map(|(id, _)| Ok(id.clone())))
        })
    }
}

impl Debug for LocalKeycards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKeycards").finish_non_exhaustive()
    }
}
