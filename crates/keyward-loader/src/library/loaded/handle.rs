//! A backend of a library, and an open instance of it.
#![expect(unsafe_code, reason = "a library's functions are called")]

use std::fmt;
use std::sync::Arc;

use keyward_core::{Error, ErrorKind, Host, Result, RoleTrait, Values};
use keyward_plugin::abi::{self, Failure, Instance, Slice, Table};
use keyward_plugin::json;

use super::host::Bridge;
use super::table;
use crate::errors::{accept_kind, unusable};
use crate::named_stores::NamedStores;
use keyward_wire::message::failure::escape_error;

/// The functions of a role.
pub(super) trait Methods: Table + Copy + Send + Sync + 'static {
    /// The role.
    type Role: RoleTrait + ?Sized;

    /// Returns an open backend of a library as one of its role.
    fn implement_role(handle: Handle<Self>) -> Result<Box<Self::Role>>;

    /// Returns the function that closes an instance.
    fn close(&self) -> Option<unsafe extern "C" fn(*mut Instance)>;

    /// Whether all functions exist that version 1.0 requires.
    fn are_whole(&self) -> bool;
}

/// A backend that can be opened in its role.
pub(super) struct Opener<M> {
    backend: *const abi::Backend,
    open: Open,
    methods: M,
    /// The names of the options that name stores.
    stores: Vec<String>,
}

type Open = unsafe extern "C" fn(
    *const abi::Backend,
    *const abi::HostTable,
    Slice,
    *mut *mut Instance,
    *mut Failure,
) -> i32;

// SAFETY: a plugin's table never changes, and every thread may call its functions.
unsafe impl<M: Send> Send for Opener<M> {}
// SAFETY: as above.
unsafe impl<M: Sync> Sync for Opener<M> {}

impl<M: Methods> Opener<M> {
    /// Reads the backend's table.
    ///
    /// # Safety
    /// The table must come from a plugin, and its methods must be of this type.
    pub(super) unsafe fn new(
        pointer: *const abi::Backend,
        backend: &abi::Backend,
        stores: Vec<String>,
    ) -> Result<Self> {
        let open = backend.open.ok_or_else(|| unusable("the plugin's backend cannot be opened"))?;
        // SAFETY: the caller guarantees it.
        let methods: M = unsafe { table::read(backend.methods.cast())? };
        if !methods.are_whole() || methods.close().is_none() {
            return Err(unusable("the plugin's backend lacks a function"));
        }
        Ok(Self { backend: pointer, open, methods, stores })
    }

    /// Opens it; `name` is the backend's name.
    pub(super) fn open(
        &self,
        name: &'static str,
        values: &Values,
        host: &Arc<dyn Host>,
    ) -> Result<Handle<M>> {
        let options = json::values_to_json(values);
        let stores = NamedStores::new(host, &self.stores, values);
        let (mut instance, mut failure) = (std::ptr::null_mut(), Failure::new());
        // SAFETY: all arguments are valid during the call, and the host is valid until it is
        // released.
        unsafe {
            let host = Bridge::raise(Arc::clone(host), stores);
            let options = Slice::new(&options);
            let status = (self.open)(self.backend, host, options, &mut instance, &mut failure);
            outcome("open", failure, status)?;
        }
        if instance.is_null() {
            return Err(
                Error::new(ErrorKind::Other, "open").because("the plugin returned no instance")
            );
        }
        Ok(Handle { name, instance, methods: self.methods })
    }
}

/// Returns the result of a call.
///
/// # Safety
/// The plugin must have written valid buffers.
pub(super) unsafe fn outcome(operation: &'static str, failure: Failure, status: i32) -> Result<()> {
    // SAFETY: the caller guarantees it.
    let outcome = unsafe { failure.read(operation, status) };
    outcome.map_err(|error| accept_kind(operation, escape_error(&error)))
}

/// An open backend. Dropping this value closes it.
pub(super) struct Handle<M: Methods> {
    name: &'static str,
    instance: *mut Instance,
    methods: M,
}

// SAFETY: every thread may use an instance; that is its contract.
unsafe impl<M: Methods> Send for Handle<M> {}
// SAFETY: as above.
unsafe impl<M: Methods> Sync for Handle<M> {}

impl<M: Methods> Handle<M> {
    /// Returns the functions.
    pub(super) fn methods(&self) -> &M {
        &self.methods
    }

    /// Calls a function. If it fails, it writes its error into the table that it gets.
    pub(super) fn call(
        &self,
        operation: &'static str,
        function: impl FnOnce(*mut Instance, *mut Failure) -> i32,
    ) -> Result<()> {
        let mut failure = Failure::new();
        let status = function(self.instance, &mut failure);
        // SAFETY: a plugin writes to the table as its contract says.
        unsafe { outcome(operation, failure, status) }
    }
}

impl<M: Methods> Drop for Handle<M> {
    fn drop(&mut self) {
        if let Some(close) = self.methods.close() {
            // SAFETY: the instance is not used after this value.
            unsafe { close(self.instance) }
        }
    }
}

impl<M: Methods> fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Loaded").field(&self.name).finish()
    }
}

/// Calls a function that was found to exist.
macro_rules! function {
    ($methods:expr, $function:ident ( $($argument:expr),* )) => {{
        let function = $methods.$function.expect("a table that lacks it is refused");
        // SAFETY: the function comes from a plugin, and all arguments are valid during the call.
        unsafe { function($($argument),*) }
    }};
}
pub(super) use function;
