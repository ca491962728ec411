#![expect(unsafe_code, reason = "a library passes its entries to a C function")]

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{
    Bulk, Cursor, EntryId, Error, ErrorKind, Expect, Guard, LockMode, Locks, MAX_BLOB, Operation,
    Page, Persistence, Put, Query, Result, Revision, Sharing, Storage, StorageAbilities, Stored,
};
use keyward_plugin::abi::{
    self, EntryName, EntrySink, Expectation, Instance, NONE, Number, PutOptions, STATUS_OK,
    STATUS_PANICKED, Short, Slice, StorageMethods, milliseconds,
};

use super::Answer;
use super::handle::{Handle, Methods, function};
use crate::errors::unusable;

/// The size of the largest cursor, in bytes.
const LONGEST_CURSOR: usize = 64 << 10;

impl Methods for StorageMethods {
    type Role = dyn Storage;

    fn implement_role(handle: Handle<Self>) -> Result<Box<Self::Role>> {
        Ok(Box::new(LoadedStorage::new(handle)?))
    }

    fn close(&self) -> Option<unsafe extern "C" fn(*mut Instance)> {
        self.close
    }

    fn are_whole(&self) -> bool {
        self.abilities.is_some()
            && self.get.is_some()
            && self.put.is_some()
            && self.remove.is_some()
            && self.list.is_some()
            && self.destroy.is_some()
    }
}

#[derive(Debug)]
struct LoadedStorage {
    /// In an `Arc`, because locks that are held keep the instance open.
    handle: Arc<Handle<StorageMethods>>,
    abilities: abi::StorageAbilities,
    persistence: Persistence,
    sharing: Sharing,
}

impl LoadedStorage {
    fn new(handle: Handle<StorageMethods>) -> Result<Self> {
        let mut abilities = abi::StorageAbilities {
            size: size_of::<abi::StorageAbilities>() as u32,
            persistence: 0,
            sharing: 0,
            lists: 0,
            bulk: 0,
            locks: 0,
            largest: NONE,
        };
        let methods = handle.methods();
        handle.call("open", |instance, failure| {
            function!(methods, abilities(instance, &mut abilities, failure))
        })?;
        let unknown = || unusable("the plugin's storage has an ability that is not known here");
        let has_locks =
            methods.lock.is_some() && methods.renew.is_some() && methods.unlock.is_some();
        if (abilities.bulk != 0 && methods.bulk.is_none()) || (abilities.locks != 0 && !has_locks) {
            return Err(unusable("the plugin's storage lacks a function that it says it has"));
        }
        Ok(Self {
            persistence: Persistence::from_number(abilities.persistence).ok_or_else(unknown)?,
            sharing: Sharing::from_number(abilities.sharing).ok_or_else(unknown)?,
            abilities,
            handle: Arc::new(handle),
        })
    }
}

impl Storage for LoadedStorage {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        let (entry, mut revision) = (EntryName::new(id), Short::NULL);
        let mut blob = Answer::up_to(MAX_BLOB);
        self.handle.call("get", |instance, failure| {
            let methods = self.handle.methods();
            function!(methods, get(instance, entry, blob.buffer(), &mut revision, failure))
        })?;
        let blob = blob.take()?.into_bytes();
        Ok(match revision.revision()? {
            Some(revision) => Stored::new(blob, revision),
            None => Stored::without_revision(blob),
        })
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        let (entry, kept, options) = (EntryName::new(id), Slice::new(blob), PutOptions::from(put));
        let mut revision = Short::NULL;
        self.handle.call("put", |instance, failure| {
            let methods = self.handle.methods();
            function!(methods, put(instance, entry, kept, &options, &mut revision, failure))
        })?;
        Ok(revision.revision()?.unwrap_or_else(|| Revision::of_content(blob)))
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        let (entry, expect) = (EntryName::new(id), Expectation::from(expect));
        self.handle.call("delete", |instance, failure| {
            function!(self.handle.methods(), remove(instance, entry, &expect, failure))
        })
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        let asked = abi::Query {
            size: size_of::<abi::Query>() as u32,
            reserved: 0,
            user: Slice::maybe(query.user.map(str::as_bytes)),
            prefix: Slice::new(query.prefix.as_bytes()),
            cursor: Slice::maybe(query.cursor.as_ref().map(|cursor| cursor.0.as_slice())),
            limit: query.limit as u64,
        };
        let mut received =
            ReceivedEntries { entries: Vec::new(), limit: query.limit, failed: None };
        let sink = EntrySink { context: (&raw mut received).cast(), take: Some(take) };
        let mut next = Answer::up_to(LONGEST_CURSOR);
        let listed = self.handle.call("list", |instance, failure| {
            function!(self.handle.methods(), list(instance, &asked, &sink, next.buffer(), failure))
        });
        if let Some(failed) = received.failed {
            return Err(failed);
        }
        listed?;
        let next = next.find()?.map(|cursor| Cursor(cursor.into_bytes()));
        Ok(Page { entries: received.entries, next })
    }

    fn destroy(&self) -> Result<()> {
        self.handle.call("destroy", |instance, failure| {
            function!(self.handle.methods(), destroy(instance, failure))
        })
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        StorageAbilities {
            persistence: self.persistence,
            sharing: self.sharing,
            lists: self.abilities.lists != 0,
            largest: usize::try_from(self.abilities.largest).ok().filter(|it| *it != usize::MAX),
            bulk: (self.abilities.bulk != 0).then_some(self),
            locks: (self.abilities.locks != 0).then_some(self),
        }
    }
}

/// The entries that a library has passed so far.
struct ReceivedEntries {
    entries: Vec<EntryId>,
    limit: usize,
    failed: Option<Error>,
}

unsafe extern "C" fn take(context: *mut c_void, entry: EntryName) -> i32 {
    let work = || {
        // SAFETY: `list` passed this pointer, and no other code uses it during the call.
        let received = unsafe { &mut *context.cast::<ReceivedEntries>() };
        // SAFETY: the entry's texts are valid during the call.
        let id = unsafe { entry.id() };
        match id {
            Ok(id) if received.entries.len() < received.limit => {
                received.entries.push(id);
                return STATUS_OK;
            }
            Ok(_) => received.failed = Some(Error::corrupt("list").because("the page is too long")),
            Err(_) => {
                received.failed =
                    Some(Error::corrupt("list").because("it lists an entry that is not valid"))
            }
        }
        ErrorKind::Corrupt.code().into()
    };
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(STATUS_PANICKED)
}

impl Bulk for LoadedStorage {
    fn apply(&self, operations: &[Operation<'_>]) -> Result<()> {
        let write = |operation: &Operation<'_>| match operation {
            Operation::Put(id, blob, put) => abi::Operation {
                kind: 0,
                reserved: 0,
                entry: EntryName::new(id),
                blob: Slice::new(blob),
                put: PutOptions::from(put),
            },
            Operation::Delete(id, expect) => abi::Operation {
                kind: 1,
                reserved: 0,
                entry: EntryName::new(id),
                blob: Slice::NULL,
                put: PutOptions::from(&Put::expecting(expect.clone())),
            },
        };
        let all: Vec<_> = operations.iter().map(write).collect();
        self.handle.call("bulk", |instance, failure| {
            function!(self.handle.methods(), bulk(instance, all.as_ptr(), all.len(), failure))
        })
    }
}

impl Locks for LoadedStorage {
    fn lock(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
        ttl: Duration,
    ) -> Result<Box<dyn Guard>> {
        let (entry, mode) = (EntryName::new(id), mode.number());
        let (wait, ttl) = (milliseconds(wait), milliseconds(ttl));
        let mut held = std::ptr::null_mut();
        self.handle.call("lock", |instance, failure| {
            let methods = self.handle.methods();
            function!(methods, lock(instance, entry, mode, wait, ttl, &mut held, failure))
        })?;
        Ok(Box::new(Held { held, handle: Arc::clone(&self.handle) }))
    }
}

/// A lock that a library holds.
#[derive(Debug)]
struct Held {
    held: *mut c_void,
    handle: Arc<Handle<StorageMethods>>,
}

// SAFETY: another thread than the one that took a lock may renew and release it.
unsafe impl Send for Held {}

impl Guard for Held {
    fn renew(&mut self, ttl: Duration) -> Result<()> {
        let held = self.held;
        self.handle.call("lock", |instance, failure| {
            function!(self.handle.methods(), renew(instance, held, milliseconds(ttl), failure))
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.handle.call("lock", |instance, _| {
            function!(self.handle.methods(), unlock(instance, self.held));
            STATUS_OK
        });
    }
}
