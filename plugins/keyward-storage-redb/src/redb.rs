use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyward_plugin::fs::foreign_files_stay;
use keyward_plugin::{
    Bulk, Cursor, EntryId, Error, Expect, Guard, Host, LockMode, Locks, Operation, Page,
    Persistence, Put, Query, Result, Revision, Sharing, Storage, StorageAbilities, Stored,
};
use redb::ReadableTable;
use sha2::{Digest, Sha256};

use crate::error::failed;
use crate::place::{Entries, Place, Tables};

/// How long an operation waits for other processes at most.
const WAIT: Duration = Duration::from_secs(30);

/// The storage `redb`.
#[derive(Debug)]
pub struct Redb {
    path: PathBuf,
    place: Place,
    host: Arc<dyn Host>,
}

impl Redb {
    pub(crate) fn at(path: PathBuf, host: &Arc<dyn Host>) -> Self {
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
            Ok(found.map(|found| {
                let (revision, _, blob) = found.value();
                Stored { blob: blob.to_vec(), revision: revision.into() }
            }))
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
            foreign_files_stay(&*self.host, self.path.parent().unwrap_or(Path::new("/")));
        }
        Ok(())
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        StorageAbilities {
            persistence: Persistence::Durable,
            sharing: Sharing::Machine,
            lists: true,
            largest: None,
            bulk: Some(self),
            locks: Some(self),
        }
    }
}

impl Bulk for Redb {
    fn apply(&self, operations: &[Operation<'_>]) -> Result<()> {
        self.place.write("apply", self.wait(), |tables| {
            operations.iter().try_for_each(|operation| match operation {
                Operation::Put(id, blob, put) => put_one(tables, id, blob, put).map(drop),
                Operation::Delete(id, expect) => delete_one(tables, id, expect),
            })
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
        let name: String =
            Sha256::digest(id.to_bytes())[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Box::new(self.place.create_dir()?.lock_fairly(&name, mode, wait)?))
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

/// The revision that the entry has now.
fn found(tables: &Tables<'_>, operation: &'static str, id: &EntryId) -> Result<Option<Revision>> {
    let found = tables.entries.get(key(id)).map_err(|error| failed(operation, error))?;
    Ok(found.map(|found| Revision::from(found.value().0)))
}

/// Entries lie in the order of user and name, so a page begins where the last one ended.
fn page(entries: &Entries, query: &Query<'_>) -> Result<Page> {
    let failed = |error| failed("list", error);
    let after = query.cursor.as_ref().map(resume).transpose()?;
    let first = (query.user.unwrap_or_default(), query.user.map_or("", |_| query.prefix));
    let first = after.as_ref().map_or(first, |id| first.max(key(id)));

    let mut page = Page::default();
    for entry in entries.range(first..).map_err(failed)? {
        let (found, _) = entry.map_err(failed)?;
        let (user, name) = found.value();
        let id = EntryId::restore(user, name).map_err(|_| Error::corrupt("list"))?;
        if after.as_ref() == Some(&id) {
            continue;
        }
        if !query.matches(&id) {
            // What matches of one user lies together; of all users it does not.
            if query.user.is_some() { break } else { continue }
        }
        if page.entries.len() == query.limit {
            page.next = page.entries.last().map(|last| Cursor(last.to_bytes()));
            break;
        }
        page.entries.push(id);
    }
    Ok(page)
}

/// The entry at which the last page ended, as [`EntryId::to_bytes`] wrote it.
fn resume(cursor: &Cursor) -> Result<EntryId> {
    let read = || {
        let (user, rest) = part(&cursor.0)?;
        let (name, rest) = part(rest)?;
        if rest.is_empty() { EntryId::restore(user, name).ok() } else { None }
    };
    read().ok_or_else(|| Error::invalid("list", "the cursor is not one of this storage"))
}

fn part(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    let (text, rest) = rest.split_at_checked(u16::from_be_bytes(*len).into())?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

fn key(id: &EntryId) -> (&str, &str) {
    (id.user(), id.name_or_empty())
}
