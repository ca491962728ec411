//! What [`register!`](crate::register) exports.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use keyward_core::{
    Encryption, Host, Key, OptionSpec, Registration, Result, Role, RoleTrait, Serializer, Storage,
    Values,
};

use super::data::{Failure, Slice};
use super::host::ForeignHost;
use super::instance::{self, guard, silence_panics};
use super::numbers::Number;
use super::roles::{encryption, key, serializer, storage};
use super::table::{Backend, HostTable, Instance, OptionRow, Plugin};
use super::{FLAG_PANIC_ABORTS, MAGIC, MAJOR, MINOR};
use crate::json;

/// A crate's backends. Their table is made when it is requested.
#[derive(Debug)]
pub struct Export {
    registrations: &'static [Registration],
    package: &'static str,
    version: &'static str,
    plugin: OnceLock<Shown>,
}

/// A table that never changes, nor does anything that it points to.
#[derive(Debug)]
struct Shown(&'static Plugin);

// SAFETY: all threads read it, and none writes.
unsafe impl Send for Shown {}
// SAFETY: as above.
unsafe impl Sync for Shown {}

impl Export {
    /// Makes the export of a package's backends.
    pub const fn new(
        registrations: &'static [Registration],
        package: &'static str,
        version: &'static str,
    ) -> Self {
        Self { registrations, package, version, plugin: OnceLock::new() }
    }

    /// Returns the table, and stops panics from printing. A library's entry calls it.
    ///
    /// A program that links the crate never calls it. A program that loads the library calls it
    /// first.
    pub fn show(&'static self) -> *const Plugin {
        let show = || {
            silence_panics();
            self.table()
        };
        catch_unwind(AssertUnwindSafe(show)).unwrap_or(std::ptr::null())
    }

    /// Returns the table. It is valid for ever, and so is everything that it points to.
    pub fn table(&'static self) -> *const Plugin {
        self.plugin.get_or_init(|| Shown(Box::leak(Box::new(self.plugin())))).0
    }

    fn plugin(&self) -> Plugin {
        let backends: Vec<_> = self.registrations.iter().filter_map(backend).collect();
        Plugin {
            magic: MAGIC,
            size: size_of::<Plugin>() as u32,
            major: MAJOR,
            minor: MINOR,
            flags: if cfg!(panic = "abort") { FLAG_PANIC_ABORTS } else { 0 },
            package: Slice::new(self.package.as_bytes()),
            version: Slice::new(self.version.as_bytes()),
            backend_count: backends.len(),
            backends: backends.leak().as_ptr(),
        }
    }
}

/// A backend's table, followed by data that only this crate knows.
#[repr(C)]
struct Registered {
    table: Backend,
    registration: &'static Registration,
    open: OpenInstance,
}

/// Opens a backend in its role.
type OpenInstance = fn(&Registration, &Values, &Arc<dyn Host>) -> Result<*mut Instance>;

/// Makes the table of a backend; `None` if its role is not part of the interface.
fn backend(registration: &'static Registration) -> Option<*const Backend> {
    let (methods, open_instance) = role(registration.role())?;
    let options: Vec<_> = registration.options.iter().map(row).collect();
    let table = Backend {
        size: size_of::<Backend>() as u32,
        role: registration.role().number(),
        name: Slice::new(registration.info.name.as_bytes()),
        help: Slice::new(registration.info.help.as_bytes()),
        option_count: options.len(),
        options: options.leak().as_ptr(),
        methods,
        open: Some(open),
    };
    let registered = Registered { table, registration, open: open_instance };
    Some(std::ptr::from_ref(Box::leak(Box::new(registered))).cast())
}

/// Returns the methods of a role, and the function that opens a backend in it; `None` if the role is
/// not part of the interface.
fn role(role: Role) -> Option<(*const c_void, OpenInstance)> {
    let roles: [(Role, *const c_void, OpenInstance); 4] = [
        (Role::Serializer, (&raw const serializer::METHODS).cast(), open_in::<dyn Serializer>),
        (Role::Encryption, (&raw const encryption::METHODS).cast(), open_in::<dyn Encryption>),
        (Role::Key, (&raw const key::METHODS).cast(), open_in::<dyn Key>),
        (Role::Storage, (&raw const storage::METHODS).cast(), open_in::<dyn Storage>),
    ];
    let (_, methods, open) = roles.into_iter().find(|(known, ..)| *known == role)?;
    Some((methods, open))
}

fn open_in<T: RoleTrait + ?Sized>(
    registration: &Registration,
    values: &Values,
    host: &Arc<dyn Host>,
) -> Result<*mut Instance> {
    Ok(instance::open(registration.open::<T>(values, host)?))
}

fn row(spec: &OptionSpec) -> OptionRow {
    let choices = spec.choices.iter().map(|choice| Slice::new(choice.as_bytes()));
    // Like the table that the row is for, they are never freed.
    let choices: &'static [Slice] = choices.collect::<Vec<_>>().leak();
    OptionRow {
        size: size_of::<OptionRow>() as u32,
        kind: spec.kind.number(),
        required: spec.required.into(),
        reserved: 0,
        name: Slice::new(spec.name.as_bytes()),
        default_value: Slice::maybe(spec.default.map(str::as_bytes)),
        help: Slice::new(spec.help.as_bytes()),
        choices: choices.as_ptr(),
        choice_count: choices.len(),
    }
}

unsafe extern "C" fn open(
    backend: *const Backend,
    host: *const HostTable,
    options: Slice,
    opened: *mut *mut Instance,
    failure: *mut Failure,
) -> i32 {
    guard(failure, || {
        let host: Arc<dyn Host> = Arc::new(ForeignHost::new(host)?);
        let registered = &*backend.cast::<Registered>();
        let values = json::values_from_json(options.bytes())?;
        *opened = (registered.open)(registered.registration, &values, &host)?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static EMPTY: Export = Export::new(&[], "empty", "0");

    /// A thread cannot silence panics while it panics: the attempt is a panic itself.
    #[test]
    fn a_panic_while_the_table_is_made_returns_no_table() {
        struct AsItEnds<'a>(&'a mut bool);

        impl Drop for AsItEnds<'_> {
            fn drop(&mut self) {
                *self.0 = EMPTY.show().is_null();
            }
        }

        let mut is_none = false;
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _end = AsItEnds(&mut is_none);
            panic!("on purpose");
        }));
        assert!(panicked.is_err() && is_none);
    }
}
