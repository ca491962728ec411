//! The host, as a plugin calls it.

use std::fmt::Arguments;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{
    Error, ErrorKind, Host, Level, Loaded, MAX_RECORD, Network, Prompt, Result, Secret, SecretRef,
    Source, Timestamp,
};

use super::data::{self, Buffer, Failure, Slice};
use super::held::{Held, ask};
use super::layout::Table;
use super::numbers::Number;
use super::source::ForeignSource;
use super::table::HostTable;
use super::{MAJOR, NONE};
use crate::json;

/// A host behind a table.
#[derive(Debug)]
pub(super) struct ForeignHost(Arc<Held>);

impl ForeignHost {
    /// Takes ownership of a host.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if it has another version, or lacks a function.
    ///
    /// # Safety
    /// The pointer must come from a host, and no other code may release it.
    pub(super) unsafe fn new(table: *const HostTable) -> Result<Self> {
        let unusable =
            || Error::new(ErrorKind::Unsupported, "open").because("the host is unusable");
        let Some(host) = table.as_ref() else { return Err(unusable()) };
        // It is released when it is dropped, also if it cannot be used.
        let taken = Held::new(table);
        let is_whole = host.size as usize >= HostTable::LEAST && host.major == MAJOR;
        if !is_whole
            || host.release.is_none()
            || host.secret.is_none()
            || host.prompt.is_none()
            || host.variable.is_none()
            || host.now.is_none()
            || host.log.is_none()
            || host.remaining.is_none()
            || host.network.is_none()
            || host.source_get.is_none()
            || host.source_contains.is_none()
            || host.source_list.is_none()
            || host.source_swap.is_none()
        {
            return Err(unusable());
        }
        Ok(Self(Arc::new(taken)))
    }
}

fn answer(
    mut answer: Buffer,
    failure: Failure,
    operation: &'static str,
    status: i32,
) -> Result<Secret> {
    // SAFETY: the host wrote both, as its contract says.
    unsafe {
        let secret = answer.take(MAX_RECORD);
        failure.read(operation, status)?;
        secret?.ok_or_else(|| {
            Error::new(ErrorKind::Other, operation).because("the host returned no secret")
        })
    }
}

impl Host for ForeignHost {
    fn secret(&self, reference: &SecretRef) -> Result<Loaded> {
        let reference = json::reference_to_json(reference);
        let (mut secret, mut failure) = (Buffer::NULL, Failure::new());
        let mut expires = NONE;
        let status =
            ask!(self.0, secret, Slice::new(&reference), &mut secret, &mut expires, &mut failure);
        let expires = (expires != NONE).then(|| Timestamp::from_unix(expires));
        answer(secret, failure, "secret", status).map(|secret| Loaded::new(secret, expires))
    }

    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret> {
        let text = Slice::new(prompt.text.as_bytes());
        let (mut said, mut failure) = (Buffer::NULL, Failure::new());
        let status = ask!(self.0, prompt, text, prompt.confirm.into(), &mut said, &mut failure);
        answer(said, failure, "prompt", status)
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        let mut value = Buffer::NULL;
        ask!(self.0, variable, Slice::new(name.as_bytes()), &mut value);
        // SAFETY: the host wrote it, as its contract says.
        unsafe { value.take(MAX_RECORD) }.ok().flatten()
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_unix(ask!(self.0, now))
    }

    fn log(&self, level: Level, message: Arguments<'_>) {
        ask!(self.0, log, level.number(), Slice::new(message.to_string().as_bytes()));
    }

    fn remaining(&self) -> Option<Duration> {
        Some(ask!(self.0, remaining)).filter(|left| *left != NONE).map(Duration::from_millis)
    }

    fn network(&self) -> Result<Network> {
        let (mut network, mut failure) = (data::Network::new(), Failure::new());
        let status = ask!(self.0, network, &mut network, &mut failure);
        // SAFETY: the host wrote both, as its contract says.
        unsafe {
            let network = network.take();
            failure.read("network", status)?;
            network
        }
    }

    fn source(&self, store: &str) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(ForeignSource { host: Arc::clone(&self.0), store: store.to_owned() }))
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::c_void;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::{MINOR, STATUS_OK};
    use super::*;

    unsafe extern "C" fn release(context: *mut c_void) {
        (*context.cast::<AtomicU32>()).fetch_add(1, Ordering::Relaxed);
    }

    unsafe extern "C" fn secret(
        _: *mut c_void,
        _: Slice,
        _: *mut Buffer,
        _: *mut u64,
        _: *mut Failure,
    ) -> i32 {
        STATUS_OK
    }

    unsafe extern "C" fn prompt(
        _: *mut c_void,
        _: Slice,
        _: u32,
        _: *mut Buffer,
        _: *mut Failure,
    ) -> i32 {
        STATUS_OK
    }

    unsafe extern "C" fn variable(_: *mut c_void, _: Slice, _: *mut Buffer) {}

    unsafe extern "C" fn now(_: *mut c_void) -> u64 {
        23
    }

    unsafe extern "C" fn log(_: *mut c_void, _: u32, _: Slice) {}

    unsafe extern "C" fn remaining(_: *mut c_void) -> u64 {
        NONE
    }

    unsafe extern "C" fn network(_: *mut c_void, _: *mut data::Network, _: *mut Failure) -> i32 {
        STATUS_OK
    }

    unsafe extern "C" fn source_get(
        _: *mut c_void,
        _: Slice,
        _: data::EntryName,
        _: *mut Buffer,
        _: *mut Failure,
    ) -> i32 {
        STATUS_OK
    }

    unsafe extern "C" fn source_contains(
        _: *mut c_void,
        _: Slice,
        _: data::EntryName,
        _: *mut u32,
        _: *mut Failure,
    ) -> i32 {
        STATUS_OK
    }

    unsafe extern "C" fn source_list(
        _: *mut c_void,
        _: Slice,
        _: *const data::Query,
        _: *const data::EntrySink,
        _: *mut Buffer,
        _: *mut Failure,
    ) -> i32 {
        STATUS_OK
    }

    unsafe extern "C" fn source_swap(
        _: *mut c_void,
        _: Slice,
        _: data::EntryName,
        _: Slice,
        _: Slice,
        _: *mut Failure,
    ) -> i32 {
        STATUS_OK
    }

    /// A host's table, followed by as many bytes as a later version could have.
    #[repr(C)]
    struct Later {
        table: HostTable,
        more: [u64; 4],
    }

    /// Opens a host whose table has this change. The host is released once, whether it is accepted
    /// or not.
    fn taken(change: impl FnOnce(&mut HostTable)) -> Result<Timestamp> {
        let released = AtomicU32::new(0);
        let table = HostTable {
            size: size_of::<HostTable>() as u32,
            major: MAJOR,
            minor: MINOR,
            context: (&raw const released).cast_mut().cast(),
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
        let mut later = Later { table, more: [0x5a5a_5a5a_5a5a_5a5a; 4] };
        change(&mut later.table);
        // SAFETY: the table comes from a host, and is valid until the end of this function.
        let taken = unsafe { ForeignHost::new(&raw const later.table) };
        let time = taken.map(|host| host.now());
        assert_eq!(released.load(Ordering::Relaxed), 1);
        time
    }

    #[test]
    fn a_host_of_this_version_or_of_a_later_minor_one_is_used() {
        assert_eq!(taken(|_| {}).unwrap(), Timestamp::from_unix(23));
        let later = |table: &mut HostTable| {
            table.size = size_of::<Later>() as u32;
            table.minor = 7;
        };
        assert_eq!(taken(later).unwrap(), Timestamp::from_unix(23));
    }

    #[test]
    fn an_unusable_host_is_refused_and_released() {
        let changes: [fn(&mut HostTable); 14] = [
            |table| table.size -= 8,
            |table| table.size = 0,
            |table| table.major = 2,
            |table| table.secret = None,
            |table| table.prompt = None,
            |table| table.variable = None,
            |table| table.now = None,
            |table| table.log = None,
            |table| table.remaining = None,
            |table| table.network = None,
            |table| table.source_get = None,
            |table| table.source_contains = None,
            |table| table.source_list = None,
            |table| table.source_swap = None,
        ];
        for change in changes {
            assert_eq!(taken(change).unwrap_err().kind(), ErrorKind::Unsupported);
        }
        // SAFETY: there is no host to use.
        assert!(unsafe { ForeignHost::new(std::ptr::null()) }.is_err());
    }
}
