use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyward_plugin::fs::{report_folder_stays, report_link_stays};
use keyward_plugin::{
    Bulk, EntryId, Error, ErrorKind, Expect, Guard, Host, LockMode, Locks, MAX_BLOB, Operation,
    Page, Persistence, Put, Query, Result, Revision, Sharing, Storage, StorageAbilities, Stored,
};
use redb::ReadableTable;

use crate::error::failed;
use crate::place::{Entries, Place, Tables};

/// The longest time that an operation waits for other processes.
const WAIT: Duration = Duration::from_secs(30);

/// The storage `redb`.
#[derive(Debug)]
pub struct Redb {
    path: PathBuf,
    place: Place,
    host: Arc<dyn Host>,
}

impl Redb {
    pub(crate) fn new(path: PathBuf, host: &Arc<dyn Host>) -> Self {
        let place = Place::new(&path);
        Self { path, place, host: Arc::clone(host) }
    }

    fn wait(&self) -> Duration {
        self.host.remaining().map_or(WAIT, |left| left.min(WAIT))
    }
}

impl Storage for Redb {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        let get = |entries: &Entries| {
            let found = entries.get(key(id)).map_err(|error| failed("get", error))?;
            let Some(found) = found else { return Ok(None) };
            let (revision, _, blob) = found.value();
            if blob.len() > MAX_BLOB {
                return Err(Error::corrupt("get").because("the entry is too large"));
            }
            Ok(Some(Stored::new(blob.to_vec(), revision.into())))
        };
        let found = self.place.read("get", self.wait(), get)?.flatten();
        found.ok_or_else(|| Error::not_found("get"))
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        self.place.write("put", self.wait(), |tables| put_one(tables, id, blob, put))
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        if self.place.read("delete", self.wait(), |_| Ok(()))?.is_none() {
            expect.check("delete", None)?;
            return Err(Error::not_found("delete"));
        }
        self.place.write("delete", self.wait(), |tables| delete_one(tables, id, expect))
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        let page = self.place.read("list", self.wait(), |entries| page(entries, query))?;
        Ok(page.unwrap_or_default())
    }

    fn destroy(&self) -> Result<()> {
        if !self.place.remove(self.wait())? {
            report_link_stays(&*self.host, &self.path);
            report_folder_stays(&*self.host, self.path.parent().unwrap_or(Path::new("/")));
        }
        Ok(())
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        StorageAbilities::new(Persistence::Durable, Sharing::Machine).bulk(self).locks(self)
    }
}

impl Bulk for Redb {
    fn apply(&self, operations: &[Operation<'_>]) -> Result<Vec<Option<Revision>>> {
        self.place.write("apply", self.wait(), |tables| {
            let apply = |operation: &Operation<'_>| match operation {
                Operation::Put(id, blob, put) => put_one(tables, id, blob, put).map(Some),
                Operation::Delete(id, expect) => delete_one(tables, id, expect).map(|()| None),
                _ => Err(Error::new(ErrorKind::Unsupported, "apply")),
            };
            operations.iter().map(apply).collect()
        })
    }
}

impl Locks for Redb {
    fn lock(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
        _ttl: Duration,
    ) -> Result<Box<dyn Guard>> {
        self.place.create_dir()?.lock_entry(id, mode, wait)
    }
}

fn put_one(tables: &mut Tables<'_>, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
    put.expect.check("put", found(tables, "put", id)?.as_ref())?;
    let revision = tables.next_revision()?;
    let value = (revision, put.expires.map(|time| time.as_unix()), blob);
    tables.entries.insert(key(id), value).map_err(|error| failed("put", error))?;
    Ok(revision.into())
}

fn delete_one(tables: &mut Tables<'_>, id: &EntryId, expect: &Expect) -> Result<()> {
    expect.check("delete", found(tables, "delete", id)?.as_ref())?;
    let removed = tables.entries.remove(key(id)).map_err(|error| failed("delete", error))?;
    removed.map(drop).ok_or_else(|| Error::not_found("delete"))
}

/// Returns the current revision of the entry.
fn found(tables: &Tables<'_>, operation: &'static str, id: &EntryId) -> Result<Option<Revision>> {
    let found = tables.entries.get(key(id)).map_err(|error| failed(operation, error))?;
    Ok(found.map(|found| Revision::from(found.value().0)))
}

/// Fills a page. The table is in the order of user and name.
fn page(entries: &Entries, query: &Query<'_>) -> Result<Page> {
    query.page_in_order(|user, name| {
        let found = entries.range((user, name)..).map_err(|error| failed("list", error))?;
        Ok(found.map(|entry| {
            let (key, _) = entry.map_err(|error| failed("list", error))?;
            let (user, name) = key.value();
            EntryId::restore(user, name).map_err(|_| Error::corrupt("list"))
        }))
    })
}

fn key(id: &EntryId) -> (&str, &str) {
    (id.user(), id.name_or_empty())
}
