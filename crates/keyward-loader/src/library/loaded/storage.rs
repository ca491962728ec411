#![expect(unsafe_code, reason = "a library passes its entries to a C function")]

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{
    Bulk, BulkLimits, EntryId, Error, ErrorKind, Exclusion, Expect, Guard, LockMode, Locks,
    MAX_BLOB, Operation, Page, Persistence, Put, Query, Result, Revision, Sharing, Storage,
    StorageAbilities, Stored, Swaps, get_each,
};
use keyward_plugin::abi::{
    self, EntryName, Expectation, Failure, Instance, NONE, Number, PutOptions, STATUS_OK,
    STATUS_PANICKED, Short, Slice, StorageMethods, StoredSink, milliseconds, receive_list,
};

use super::Answer;
use super::handle::{Handle, Methods, function, outcome};
use crate::errors::unusable;

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
    swaps: Swaps,
    exclusion: Exclusion,
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
            swaps: 0,
            exclusion: 0,
            bulk_operations: NONE,
            bulk_bytes: NONE,
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
            swaps: Swaps::from_number(abilities.swaps).ok_or_else(unknown)?,
            exclusion: Exclusion::from_number(abilities.exclusion).ok_or_else(unknown)?,
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

    fn get_many(&self, ids: &[EntryId]) -> Result<Vec<Result<Stored>>> {
        if self.handle.methods().get_many.is_none() {
            return Ok(get_each(ids, |id| self.get(id)));
        }
        let names: Vec<_> = ids.iter().map(EntryName::new).collect();
        let mut received = ReceivedBlobs { results: Vec::new(), limit: ids.len(), failed: None };
        let sink = StoredSink { context: (&raw mut received).cast(), take: Some(take_stored) };
        let called = self.handle.call("get", |instance, failure| {
            let methods = self.handle.methods();
            function!(methods, get_many(instance, names.as_ptr(), names.len(), &sink, failure))
        });
        if let Some(failed) = received.failed {
            return Err(failed);
        }
        called?;
        if received.results.is_empty() && !ids.is_empty() {
            return Err(Error::corrupt("get").because("there is no result"));
        }
        Ok(received.results)
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
        let call = |query, entries, next| {
            self.handle.call("list", |instance, failure| {
                function!(self.handle.methods(), list(instance, query, entries, next, failure))
            })
        };
        // SAFETY: the function comes from a plugin, which follows the contract.
        unsafe { receive_list(query, call) }
    }

    fn destroy(&self) -> Result<()> {
        self.handle.call("destroy", |instance, failure| {
            function!(self.handle.methods(), destroy(instance, failure))
        })
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        let mut abilities = StorageAbilities::new(self.persistence, self.sharing).swaps(self.swaps);
        abilities.lists = self.abilities.lists != 0;
        abilities.largest = limit(self.abilities.largest);
        abilities.bulk = (self.abilities.bulk != 0).then_some(self);
        abilities.locks = (self.abilities.locks != 0).then_some(self);
        abilities
    }
}

/// The limit with this number.
fn limit(number: u64) -> Option<usize> {
    usize::try_from(number).ok().filter(|limit| *limit != usize::MAX)
}

/// The results that a library has passed so far.
struct ReceivedBlobs {
    results: Vec<Result<Stored>>,
    limit: usize,
    failed: Option<Error>,
}

unsafe extern "C" fn take_stored(
    context: *mut c_void,
    status: i32,
    blob: Slice,
    revision: *const Short,
    failure: *mut Failure,
) -> i32 {
    let work = || {
        // SAFETY: `get_many` passed this pointer, and no other code uses it during the call.
        let received = unsafe { &mut *context.cast::<ReceivedBlobs>() };
        if received.results.len() >= received.limit {
            received.failed = Some(Error::corrupt("get").because("there are too many results"));
            return ErrorKind::Corrupt.code().into();
        }
        // SAFETY: the library passed these for the time of this call.
        let result = unsafe { read_stored(status, blob, revision, failure) };
        received.results.push(result);
        STATUS_OK
    };
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(STATUS_PANICKED)
}

/// Returns what a library passed for one entry.
///
/// # Safety
/// All pointers must be valid or NULL; the failure is taken over.
unsafe fn read_stored(
    status: i32,
    blob: Slice,
    revision: *const Short,
    failure: *mut Failure,
) -> Result<Stored> {
    // SAFETY: the caller guarantees it.
    let failure = match unsafe { failure.as_mut() } {
        Some(failure) => std::mem::replace(failure, Failure::new()),
        None => Failure::new(),
    };
    // SAFETY: the library wrote valid buffers.
    unsafe { outcome("get", failure, status)? };
    // Checked before the blob is read.
    if blob.length > MAX_BLOB {
        return Err(Error::corrupt("get").because("the blob is too large"));
    }
    // SAFETY: the caller guarantees it.
    let (blob, revision) = unsafe { (blob.bytes(), revision.as_ref()) };
    Ok(match revision.map(Short::revision).transpose()?.flatten() {
        Some(revision) => Stored::new(blob.to_vec(), revision),
        None => Stored::without_revision(blob.to_vec()),
    })
}

impl Bulk for LoadedStorage {
    fn apply(&self, operations: &[Operation<'_>]) -> Result<Vec<Option<Revision>>> {
        let write = |operation: &Operation<'_>| {
            Ok(match operation {
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
                _ => return Err(Error::new(ErrorKind::Unsupported, "bulk")),
            })
        };
        let all = operations.iter().map(write).collect::<Result<Vec<_>>>()?;
        let mut revisions = vec![Short::NULL; all.len()];
        let (first, count) = (all.as_ptr(), all.len());
        self.handle.call("bulk", |instance, failure| {
            let methods = self.handle.methods();
            function!(methods, bulk(instance, first, count, revisions.as_mut_ptr(), failure))
        })?;
        let revision = |(operation, revision): (&Operation<'_>, &Short)| match operation {
            Operation::Put(_, blob, _) => {
                let given = revision.revision()?;
                Ok(Some(given.unwrap_or_else(|| Revision::of_content(blob))))
            }
            _ => Ok(None),
        };
        operations.iter().zip(&revisions).map(revision).collect()
    }

    fn limits(&self) -> BulkLimits {
        BulkLimits::new(limit(self.abilities.bulk_operations), limit(self.abilities.bulk_bytes))
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

    fn exclusion(&self) -> Exclusion {
        self.exclusion
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
