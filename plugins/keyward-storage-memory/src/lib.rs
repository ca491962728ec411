//! Storage `memory`: blobs that are gone when the process ends; for tests and single commands.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, RwLock};

use keyward_plugin::{
    Backend, Cursor, EntryId, Error, Expect, Host, Info, NoOptions, Page, Persistence, Put, Query,
    Result, Revision, Sharing, Storage, StorageAbilities, Stored,
};

keyward_plugin::register!(storage: Memory);

/// The storage `memory`.
#[derive(Debug, Default)]
pub struct Memory(RwLock<Kept>);

#[derive(Default)]
struct Kept {
    blobs: BTreeMap<Vec<u8>, (EntryId, Stored)>,
    writes: u64,
}

impl Backend for Memory {
    const INFO: Info = Info::new("memory", "Process memory: gone when the process ends");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self::default())
    }
}

impl Storage for Memory {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        let kept = self.0.read()?;
        let found = kept.blobs.get(&id.to_bytes()).ok_or_else(|| Error::not_found("get"))?;
        Ok(found.1.clone())
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        let mut kept = self.0.write()?;
        let key = id.to_bytes();
        put.expect.check("put", kept.blobs.get(&key).map(|found| found.1.revision()).as_ref())?;
        kept.writes += 1;
        let revision = Revision::from(kept.writes);
        let stored = Stored::new(blob.to_vec(), revision.clone());
        kept.blobs.insert(key, (id.clone(), stored));
        Ok(revision)
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        let mut kept = self.0.write()?;
        let key = id.to_bytes();
        let found = kept.blobs.get(&key).ok_or_else(|| Error::not_found("delete"))?;
        expect.check("delete", Some(&found.1.revision()))?;
        kept.blobs.remove(&key);
        Ok(())
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        let kept = self.0.read()?;
        let after = match &query.cursor {
            Some(cursor) => Bound::Excluded(cursor.0.clone()),
            None => Bound::Unbounded,
        };
        let mut page = Page::default();
        for (key, (id, _)) in kept.blobs.range((after, Bound::Unbounded)) {
            if query.matches(id) {
                page.entries.push(id.clone());
                if page.entries.len() == query.limit {
                    page.next = Some(Cursor(key.clone()));
                    break;
                }
            }
        }
        Ok(page)
    }

    fn destroy(&self) -> Result<()> {
        self.0.write()?.blobs.clear();
        Ok(())
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        StorageAbilities::new(Persistence::Process, Sharing::Process)
    }
}

/// Shows the number of blobs and not their content.
impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} blobs", self.blobs.len())
    }
}

#[cfg(test)]
keyward_testkit::storage_suite!(Memory, |_| keyward_plugin::Values::new());
