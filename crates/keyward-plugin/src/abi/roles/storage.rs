use std::ffi::c_void;

use keyward_core::{
    Bulk, EntryId, Error, ErrorKind, Exclusion, Expect, Guard, LockMode, Locks, Operation, Put,
    Result, Storage,
};

use super::super::caller::{fill, read};
use super::super::data::{self, Buffer, EntryName, EntrySink, Expectation, Failure, PutOptions};
use super::super::data::{Query, Short, Slice, StoredSink, duration};
use super::super::instance::{call, close, guard};
use super::super::listing::pass_list;
use super::super::numbers::Number;
use super::super::table::{Instance, StorageAbilities, StorageMethods};
use super::super::{NONE, STATUS_OK};

type Role = dyn Storage;

pub(in super::super) static METHODS: StorageMethods = StorageMethods {
    size: size_of::<StorageMethods>() as u32,
    reserved: 0,
    close: Some(close::<Role>),
    abilities: Some(abilities),
    get: Some(get),
    put: Some(put),
    remove: Some(remove),
    list: Some(list),
    destroy: Some(destroy),
    bulk: Some(bulk),
    lock: Some(lock),
    renew: Some(renew),
    unlock: Some(unlock),
    get_many: Some(get_many),
};

unsafe extern "C" fn abilities(
    instance: *mut Instance,
    abilities: *mut StorageAbilities,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |storage: &Role| {
        let able = storage.abilities();
        let limits = able.bulk.map(Bulk::limits).unwrap_or_default();
        let able = StorageAbilities {
            size: size_of::<StorageAbilities>() as u32,
            persistence: able.persistence.number(),
            sharing: able.sharing.number(),
            lists: able.lists.into(),
            bulk: able.bulk.is_some().into(),
            locks: able.locks.is_some().into(),
            largest: limit(able.largest),
            swaps: able.swaps.number(),
            exclusion: able.locks.map_or(Exclusion::Holder, Locks::exclusion).number(),
            bulk_operations: limit(limits.operations),
            bulk_bytes: limit(limits.bytes),
        };
        fill(abilities, able);
        Ok(())
    })
}

/// A limit as a number.
fn limit(limit: Option<usize>) -> u64 {
    limit.map_or(NONE, |limit| limit as u64)
}

unsafe extern "C" fn get(
    instance: *mut Instance,
    entry: EntryName,
    blob: *mut Buffer,
    revision: *mut Short,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |storage: &Role| {
        let stored = storage.get(&entry.id()?)?;
        *revision = stored.given_revision().map_or(Short::NULL, Short::of_revision);
        *blob = Buffer::new(stored.blob);
        Ok(())
    })
}

unsafe extern "C" fn get_many(
    instance: *mut Instance,
    entries: *const EntryName,
    entry_count: usize,
    sink: *const StoredSink,
    failure: *mut Failure,
) -> i32 {
    let mut ended = STATUS_OK;
    let status = call(instance, failure, |storage: &Role| {
        // If there are no entries, the pointer may be NULL.
        let names = match entry_count {
            0 => &[],
            count => std::slice::from_raw_parts(entries, count),
        };
        let ids = names.iter().map(|name| name.id()).collect::<Result<Vec<EntryId>>>()?;
        let sink = &*sink;
        let take = sink.take.ok_or_else(|| {
            Error::invalid("get", "there is no function to take what the entries hold")
        })?;
        for result in storage.get_many(&ids)? {
            let status = match result {
                Ok(stored) => {
                    let revision = stored.given_revision().map_or(Short::NULL, Short::of_revision);
                    let blob = Slice::new(&stored.blob);
                    take(sink.context, STATUS_OK, blob, &revision, std::ptr::null_mut())
                }
                Err(error) => {
                    let mut failure = Failure::new();
                    let status = Failure::report(&mut failure, &error);
                    take(sink.context, status, Slice::NULL, &Short::NULL, &mut failure)
                }
            };
            if status != STATUS_OK {
                ended = status;
                break;
            }
        }
        Ok(())
    });
    if status == STATUS_OK { ended } else { status }
}

unsafe extern "C" fn put(
    instance: *mut Instance,
    entry: EntryName,
    blob: Slice,
    options: *const PutOptions,
    revision: *mut Short,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |storage: &Role| {
        let put = Put::try_from(&read(options)?)?;
        *revision = Short::of_revision(&storage.put(&entry.id()?, blob.bytes(), &put)?);
        Ok(())
    })
}

unsafe extern "C" fn remove(
    instance: *mut Instance,
    entry: EntryName,
    expect: *const Expectation,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |storage: &Role| {
        storage.delete(&entry.id()?, &Expect::try_from(&*expect)?)
    })
}

unsafe extern "C" fn list(
    instance: *mut Instance,
    query: *const Query,
    entries: *const EntrySink,
    next: *mut Buffer,
    failure: *mut Failure,
) -> i32 {
    let mut ended = STATUS_OK;
    let status = call(instance, failure, |storage: &Role| {
        ended = pass_list(query, entries, next, |query| storage.list(query))?;
        Ok(())
    });
    if status == STATUS_OK { ended } else { status }
}

unsafe extern "C" fn destroy(instance: *mut Instance, failure: *mut Failure) -> i32 {
    call(instance, failure, |storage: &Role| storage.destroy())
}

unsafe extern "C" fn bulk(
    instance: *mut Instance,
    operations: *const data::Operation,
    operation_count: usize,
    revisions: *mut Short,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |storage: &Role| {
        let bulk = storage.abilities().bulk.ok_or_else(|| unsupported("bulk"))?;
        // If there are no operations, the pointer may be NULL.
        let operations = match operation_count {
            0 => &[],
            count => std::slice::from_raw_parts(operations, count),
        };
        let ids = operations.iter().map(|operation| operation.entry.id());
        let ids = ids.collect::<Result<Vec<EntryId>>>()?;
        let change = |(operation, id): (&data::Operation, _)| {
            let put = Put::try_from(&read(&raw const operation.put)?)?;
            Ok(match operation.kind {
                0 => Operation::Put(id, operation.blob.bytes(), put),
                _ => Operation::Delete(id, put.expect),
            })
        };
        let operations = operations.iter().zip(&ids).map(change).collect::<Result<Vec<_>>>()?;
        for (index, revision) in bulk.apply(&operations)?.iter().enumerate() {
            if let Some(revision) = revision
                && index < operation_count
            {
                *revisions.add(index) = Short::of_revision(revision);
            }
        }
        Ok(())
    })
}

/// A lock, boxed again so that its pointer is thin.
type Held = Box<dyn Guard>;

unsafe extern "C" fn lock(
    instance: *mut Instance,
    entry: EntryName,
    mode: u32,
    wait: u64,
    ttl: u64,
    guard: *mut *mut c_void,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |storage: &Role| {
        let locks = storage.abilities().locks.ok_or_else(|| unsupported("lock"))?;
        let mode = LockMode::from_number(mode).ok_or_else(|| unsupported("lock"))?;
        let held: Held = locks.lock(&entry.id()?, mode, duration(wait), duration(ttl))?;
        *guard = Box::into_raw(Box::new(held)).cast();
        Ok(())
    })
}

unsafe extern "C" fn renew(
    instance: *mut Instance,
    held: *mut c_void,
    ttl: u64,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |_: &Role| (*held.cast::<Held>()).renew(duration(ttl)))
}

unsafe extern "C" fn unlock(_: *mut Instance, held: *mut c_void) {
    guard(std::ptr::null_mut(), || {
        drop(Box::from_raw(held.cast::<Held>()));
        Ok(())
    });
}

fn unsupported(operation: &'static str) -> Error {
    Error::new(ErrorKind::Unsupported, operation)
}
