//! Loads a verified library.
#![expect(unsafe_code, reason = "a library's code runs")]

use std::ffi::OsStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use keyward_core::{Error, Registration, Result};
use keyward_plugin::abi;
use libloading::os::unix::{Library, RTLD_LAZY, RTLD_LOCAL, RTLD_NOW};

use crate::errors::{refused, unusable};
use crate::library::loaded::PluginTable;
use crate::library::runtime::find_runtime;
use crate::library::verify::{Needed, Verified};
use keyward_core::Digest;

/// More time than any library needs to start.
const LATEST: Duration = Duration::from_secs(10);

/// Opens a library only if it is loaded already.
const RTLD_NOLOAD: i32 = 4;

/// Loads a verified library for ever, and returns its backends.
///
/// # Errors
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): it cannot be loaded, refuses to start,
///   or takes too long to start; its table is not valid, or has another version.
/// - [`Refused`](keyward_core::ErrorKind::Refused): it needs a library, and another library of the
///   same name is loaded already.
///
/// # Security
/// From then on its code runs, with all rights of this process.
pub fn load(verified: Verified) -> Result<Vec<Registration>> {
    let shared = Arc::new((Mutex::new(None), Condvar::new()));
    let done = shared.clone();
    // If a library hangs while it starts, it blocks only this thread, for ever.
    let work = move || {
        // With this, the waiting thread gets a panic at once.
        let loaded = catch_unwind(AssertUnwindSafe(|| enter(verified)))
            .unwrap_or_else(|_| Err(unusable("the plugin cannot be loaded")));
        *done.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
        done.1.notify_one();
    };
    std::thread::Builder::new()
        .name("loads a plugin".into())
        .spawn(work)
        .map_err(|error| Error::io("load", error))?;
    // This does not use a channel: a thread that waits for one first registers a destructor with
    // the dynamic linker, and would hang as well.
    let (loaded, ready) = &*shared;
    let (mut loaded, _) = ready.wait_timeout_while(loaded.lock()?, LATEST, |it| it.is_none())?;
    loaded.take().unwrap_or_else(|| {
        end_without_the_linker();
        Err(unusable(format_args!("the plugin was not ready within {} seconds", LATEST.as_secs())))
    })
}

/// Lets this process end without the dynamic linker. The thread that hangs may hold the linker's
/// lock, and a process that ends waits for it for ever. So this process ends, with its exit code,
/// just before that.
fn end_without_the_linker() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::ffi::c_void;

        unsafe extern "C" {
            fn on_exit(function: extern "C" fn(i32, *mut c_void), argument: *mut c_void) -> i32;
            fn _exit(status: i32) -> !;
        }
        extern "C" fn end(status: i32, _: *mut c_void) {
            // SAFETY: this process uses nothing after this call.
            unsafe { _exit(status) }
        }
        // SAFETY: the function is valid for ever, and is called as the C library says. If the call
        // fails for lack of memory, the process ends as usual.
        let _ = unsafe { on_exit(end, std::ptr::null_mut()) };
    }
}

fn enter(verified: Verified) -> Result<Vec<Registration>> {
    // They all stay open for ever: the dynamic linker identifies them by the numbers of their
    // descriptors.
    let verified: &'static Verified = Box::leak(Box::new(verified));
    for name in verified.runtime() {
        if !is_loaded(name) {
            open(find_runtime(name)?.as_os_str(), RTLD_LAZY)?;
        }
    }
    for needed in verified.needed() {
        need(needed)?;
    }
    let library = open(verified.library().path().as_os_str(), RTLD_NOW)?;
    let symbol = &verified.entry().symbol;
    type Entry = unsafe extern "C" fn() -> *const abi::Plugin;
    // SAFETY: a verified library's entry is a function, and its name contains the interface.
    let entry = unsafe { library.get::<Entry>(symbol.as_bytes()) };
    let entry = *entry.map_err(|_| unusable("the plugin's entry cannot be found"))?;
    // SAFETY: an entry of this interface is called without arguments.
    let plugin = unsafe { entry() };
    // SAFETY: a trusted plugin returns a valid table, which is never freed.
    unsafe { PluginTable::read(plugin).map(PluginTable::into_registrations) }
}

/// The pinned libraries that are loaded. The dynamic linker identifies them only by their names.
static NEEDED: Mutex<Vec<(String, Digest)>> = Mutex::new(Vec::new());

/// Loads a pinned library under the name by which the plugin needs it.
fn need(needed: &Needed) -> Result<()> {
    let mut loaded = NEEDED.lock()?;
    if loaded.iter().any(|(name, digest)| *name == needed.name && *digest == needed.digest) {
        return Ok(());
    }
    if is_loaded(&needed.name) {
        let name = &needed.name;
        return Err(refused(format_args!("another {name} than the pinned one is loaded already"))
            .hint("Trust the plugin with --run, so that it runs in a separate process"));
    }
    open(needed.library.path().as_os_str(), RTLD_NOW)?;
    loaded.push((needed.name.clone(), needed.digest));
    Ok(())
}

fn is_loaded(name: &str) -> bool {
    // SAFETY: nothing is loaded, so no code runs.
    unsafe { Library::open(Some(name), RTLD_LAZY | RTLD_NOLOAD) }.is_ok()
}

/// Opens a library that is never closed, because its threads, panics and tables may outlive every
/// user.
fn open(path: &OsStr, how: i32) -> Result<&'static Library> {
    // SAFETY: the library is the system's or was verified; the code that runs when it starts is
    // trusted.
    let library = unsafe { Library::open(Some(path), how | RTLD_LOCAL) };
    let library = library.map_err(|error| {
        // The linker's message contains the path of a descriptor before the reason.
        let why = error.to_string();
        let why = why.rsplit(": ").next().unwrap_or_default().to_owned();
        unusable(format_args!("the library cannot be loaded: {why}"))
    })?;
    Ok(Box::leak(Box::new(library)))
}
