//! A backend of a library, and an opened one.
#![expect(unsafe_code, reason = "a library's functions are called")]

use std::fmt;
use std::sync::Arc;

use keyward_core::{Error, ErrorKind, Host, Result, Values};
use keyward_plugin::abi::{self, Failure, Instance, Slice, Table};
use keyward_plugin::json;

use super::host::Bridge;
use super::table;
use crate::fault::{believed, unusable};
use crate::message::failure::harmless;

/// The functions of a role.
pub(super) trait Methods: Table + Copy + Send + Sync + 'static {
    /// What ends an instance.
    fn close(&self) -> Option<unsafe extern "C" fn(*mut Instance)>;

    /// Whether every function is there that version 1.0 asks for.
    fn are_whole(&self) -> bool;
}

/// A backend that can be opened in its role.
pub(super) struct Opener<M> {
    backend: *const abi::Backend,
    open: Open,
    methods: M,
}

type Open = unsafe extern "C" fn(
    *const abi::Backend,
    *const abi::HostTable,
    Slice,
    *mut *mut Instance,
    *mut Failure,
) -> i32;

// SAFETY: a plugin's table never changes, and its functions may be called by every thread.
unsafe impl<M: Send> Send for Opener<M> {}
// SAFETY: as above.
unsafe impl<M: Sync> Sync for Opener<M> {}

impl<M: Methods> Opener<M> {
    /// What the backend's own table says.
    ///
    /// # Safety
    /// The table is a plugin's, and its methods are these.
    pub(super) unsafe fn new(pointer: *const abi::Backend, backend: &abi::Backend) -> Result<Self> {
        let open = backend.open.ok_or_else(|| unusable("the plugin's backend cannot be opened"))?;
        // SAFETY: as the function's own contract has it.
        let methods: M = unsafe { table::read(backend.methods.cast())? };
        if !methods.are_whole() || methods.close().is_none() {
            return Err(unusable("the plugin's backend lacks a function"));
        }
        Ok(Self { backend: pointer, open, methods })
    }

    /// Opens it; `name` is what it is called.
    pub(super) fn open(
        &self,
        name: &'static str,
        values: &Values,
        host: &Arc<dyn Host>,
    ) -> Result<Handle<M>> {
        let options = json::values_to_json(values);
        let (mut instance, mut failure) = (std::ptr::null_mut(), Failure::new());
        // SAFETY: all that is handed over lives during the call, but for the host, which lives until
        // it is released.
        unsafe {
            let host = Bridge::raise(Arc::clone(host));
            let options = Slice::of(&options);
            let status = (self.open)(self.backend, host, options, &mut instance, &mut failure);
            outcome("open", failure, status)?;
        }
        if instance.is_null() {
            return Err(Error::new(ErrorKind::Other, "open").because("the plugin opened nothing"));
        }
        Ok(Handle { name, instance, methods: self.methods })
    }
}

/// What came of a call.
///
/// # Safety
/// What the plugin wrote must be sound.
unsafe fn outcome(operation: &'static str, failure: Failure, status: i32) -> Result<()> {
    // SAFETY: as the function's own contract has it.
    let outcome = unsafe { failure.read(operation, status) };
    outcome.map_err(|error| believed(operation, harmless(&error)))
}

/// An opened backend. It is closed with this value.
pub(super) struct Handle<M: Methods> {
    name: &'static str,
    instance: *mut Instance,
    methods: M,
}

// SAFETY: an instance may be used by every thread; that is its contract.
unsafe impl<M: Methods> Send for Handle<M> {}
// SAFETY: as above.
unsafe impl<M: Methods> Sync for Handle<M> {}

impl<M: Methods> Handle<M> {
    /// The functions.
    pub(super) fn methods(&self) -> &M {
        &self.methods
    }

    /// Calls a function, which writes what went wrong into the table that it is handed.
    pub(super) fn call(
        &self,
        operation: &'static str,
        function: impl FnOnce(*mut Instance, *mut Failure) -> i32,
    ) -> Result<()> {
        let mut failure = Failure::new();
        let status = function(self.instance, &mut failure);
        // SAFETY: what a plugin wrote there is as its contract has it.
        unsafe { outcome(operation, failure, status) }
    }
}

impl<M: Methods> Drop for Handle<M> {
    fn drop(&mut self) {
        if let Some(close) = self.methods.close() {
            // SAFETY: nobody uses the instance after this value.
            unsafe { close(self.instance) }
        }
    }
}

impl<M: Methods> fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Loaded").field(&self.name).finish()
    }
}

/// A function that was seen to be there, called.
macro_rules! function {
    ($methods:expr, $function:ident ( $($argument:expr),* )) => {{
        let function = $methods.$function.expect("a table that lacks it is refused");
        // SAFETY: the function is a plugin's, and all that it is handed lives during the call.
        unsafe { function($($argument),*) }
    }};
}
pub(super) use function;
