//! The host, as a table for a library.
#![expect(unsafe_code, reason = "a library calls these functions")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the body of a C function is as unsafe as its callers")]

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use keyward_core::{Error, Host, Level, Prompt, Result, Secret, Source, Timestamp, swap};
use keyward_plugin::abi::{
    Buffer, EntryName, EntrySink, Failure, HostTable, MAJOR, MINOR, NONE, Network, Number, Query,
    STATUS_OK, STATUS_PANICKED, Slice, milliseconds, pass_list,
};
use keyward_plugin::cbor::{decode_record, encode_record};
use keyward_plugin::json;

use crate::named_stores::NamedStores;

use keyward_wire::message::failure::escape_text;

/// A host and its table.
pub(super) struct Bridge {
    table: HostTable,
    host: Arc<dyn Host>,
    stores: NamedStores,
}

impl Bridge {
    /// Makes a table that is valid until its holder releases it.
    pub(super) fn raise(host: Arc<dyn Host>, stores: NamedStores) -> *const HostTable {
        let table = HostTable {
            size: size_of::<HostTable>() as u32,
            major: MAJOR,
            minor: MINOR,
            context: std::ptr::null_mut(),
            release: Some(release),
            secret: Some(secret),
            prompt: Some(prompt),
            variable: Some(variable),
            now: Some(now),
            log: Some(log),
            remaining: Some(remaining),
            network: Some(network),
            source_get: Some(source_get),
            source_contains: Some(source_contains),
            source_list: Some(source_list),
            source_swap: Some(source_swap),
        };
        let bridge = Box::into_raw(Box::new(Self { table, host, stores }));
        // SAFETY: it was made just now, and no other code has it yet.
        unsafe {
            (*bridge).table.context = bridge.cast();
            &raw const (*bridge).table
        }
    }
}

unsafe fn host<'a>(context: *mut c_void) -> &'a dyn Host {
    &*(*context.cast::<Bridge>()).host
}

unsafe extern "C" fn release(context: *mut c_void) {
    catch_or((), || drop(Box::from_raw(context.cast::<Bridge>())));
}

unsafe extern "C" fn secret(
    context: *mut c_void,
    reference: Slice,
    secret: *mut Buffer,
    expires: *mut u64,
    failure: *mut Failure,
) -> i32 {
    answer(secret, failure, || {
        let loaded = host(context).secret(&json::reference_from_json(reference.bytes())?)?;
        if !expires.is_null() {
            *expires = loaded.expires.map_or(NONE, Timestamp::as_unix);
        }
        Ok(loaded.secret)
    })
}

unsafe extern "C" fn prompt(
    context: *mut c_void,
    text: Slice,
    confirm: u32,
    answered: *mut Buffer,
    failure: *mut Failure,
) -> i32 {
    answer(answered, failure, || {
        host(context).prompt(&Prompt::new(text.text()?).with_confirm(confirm != 0))
    })
}

unsafe extern "C" fn variable(context: *mut c_void, name: Slice, value: *mut Buffer) {
    let found = catch_or(None, || name.text().ok().and_then(|name| host(context).variable(name)));
    *value = found.map_or(Buffer::NULL, Buffer::of_secret);
}

unsafe extern "C" fn now(context: *mut c_void) -> u64 {
    catch_or(0, || host(context).now().as_unix())
}

unsafe extern "C" fn log(context: *mut c_void, level: u32, message: Slice) {
    catch_or((), || {
        let level = Level::from_number(level).unwrap_or(Level::Debug);
        let message = String::from_utf8_lossy(message.bytes());
        // A plugin's message may be shown on a terminal.
        host(context).log(level, format_args!("{}", escape_text(&message)));
    });
}

unsafe extern "C" fn remaining(context: *mut c_void) -> u64 {
    catch_or(NONE, || host(context).remaining().map_or(NONE, milliseconds))
}

unsafe extern "C" fn network(
    context: *mut c_void,
    network: *mut Network,
    failure: *mut Failure,
) -> i32 {
    status(failure, || Network::fill(network, host(context).network()?))
}

unsafe fn store(context: *mut c_void, name: Slice) -> Result<Arc<dyn Source>> {
    (*context.cast::<Bridge>()).stores.open(name.text()?)
}

unsafe extern "C" fn source_get(
    context: *mut c_void,
    name: Slice,
    entry: EntryName,
    record: *mut Buffer,
    failure: *mut Failure,
) -> i32 {
    answer(record, failure, || encode_record(&store(context, name)?.get(&entry.id()?)?))
}

unsafe extern "C" fn source_contains(
    context: *mut c_void,
    name: Slice,
    entry: EntryName,
    found: *mut u32,
    failure: *mut Failure,
) -> i32 {
    status(failure, || {
        let contains = store(context, name)?.contains(&entry.id()?);
        *found = contains.map_err(Error::not_a_miss)?.into();
        Ok(())
    })
}

unsafe extern "C" fn source_list(
    context: *mut c_void,
    name: Slice,
    query: *const Query,
    entries: *const EntrySink,
    next: *mut Buffer,
    failure: *mut Failure,
) -> i32 {
    let mut ended = STATUS_OK;
    let status = status(failure, || {
        let store = store(context, name)?;
        ended =
            pass_list(query, entries, next, |query| store.list(query).map_err(Error::not_a_miss))?;
        Ok(())
    });
    if status == STATUS_OK { ended } else { status }
}

unsafe extern "C" fn source_swap(
    context: *mut c_void,
    name: Slice,
    entry: EntryName,
    expected: Slice,
    record: Slice,
    failure: *mut Failure,
) -> i32 {
    status(failure, || {
        let expected = expected.get().map(decode_record).transpose()?;
        let record = record.get().map(decode_record).transpose()?;
        let (store, id) = (store(context, name)?, entry.id()?);
        swap(&*store, &id, expected.as_ref(), record.as_ref()).map_err(Error::not_a_miss)
    })
}

unsafe fn answer(
    buffer: *mut Buffer,
    failure: *mut Failure,
    ask: impl FnOnce() -> Result<Secret, Error>,
) -> i32 {
    status(failure, || {
        *buffer = Buffer::of_secret(ask()?);
        Ok(())
    })
}

/// Does a call, and returns its status.
unsafe fn status(failure: *mut Failure, work: impl FnOnce() -> Result<(), Error>) -> i32 {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => STATUS_OK,
        Ok(Err(error)) => Failure::report(failure, &error),
        Err(_) => STATUS_PANICKED,
    }
}

/// A panic must not pass through a library's frames. The program's panic hook has reported it.
fn catch_or<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}
