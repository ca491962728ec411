//! Loading what was verified.
#![expect(unsafe_code, reason = "a library's code is run")]

use std::ffi::OsStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use keyward_core::{Error, Registration, Result};
use keyward_plugin::abi;
use libloading::os::unix::{Library, RTLD_LAZY, RTLD_LOCAL, RTLD_NOW};

use crate::fault::{refused, unusable};
use crate::loaded::Brought;
use crate::pin::Digest;
use crate::runtime::find_runtime;
use crate::verify::{Needed, Verified};

/// Longer than any library takes to get ready.
const LATEST: Duration = Duration::from_secs(10);

/// Asks for a library only if it is loaded already.
const RTLD_NOLOAD: i32 = 4;

/// Loads a verified library, for good, and gives the backends that it brings.
///
/// # Errors
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): it cannot be loaded, refuses to start, or takes too
///   long over that; its table makes no sense, or is one of another version.
/// - [`Refused`](keyward_core::ErrorKind::Refused): it needs a library of a name under which another one is
///   loaded already.
///
/// # Security
/// From here on its code runs, with all that this process may do.
pub fn load(verified: Verified) -> Result<Vec<Registration>> {
    let shared = Arc::new((Mutex::new(None), Condvar::new()));
    let done = shared.clone();
    // A library that hangs while it starts keeps this thread for ever, and only this thread.
    let work = move || {
        // Whoever waits learns of a panic at once.
        let loaded = catch_unwind(AssertUnwindSafe(|| enter(verified)))
            .unwrap_or_else(|_| Err(unusable("the plugin cannot be loaded")));
        *done.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
        done.1.notify_one();
    };
    std::thread::Builder::new()
        .name("loads a plugin".into())
        .spawn(work)
        .map_err(|error| Error::io("load", error))?;
    // Not by a channel: a thread that waits for one first tells the dynamic linker that it has something to
    // drop at its end, and would hang as well.
    let (loaded, ready) = &*shared;
    let (mut loaded, _) = ready.wait_timeout_while(loaded.lock()?, LATEST, |it| it.is_none())?;
    loaded.take().unwrap_or_else(|| {
        end_without_the_linker();
        Err(unusable(format_args!(
            "the plugin did not get ready within {} seconds",
            LATEST.as_secs()
        )))
    })
}

/// The thread that hangs may hold the dynamic linker's lock, for which a process waits as it ends: for ever.
/// So this one ends, with its exit code, just before it comes to that.
fn end_without_the_linker() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::ffi::c_void;

        unsafe extern "C" {
            fn on_exit(function: extern "C" fn(i32, *mut c_void), argument: *mut c_void) -> i32;
            fn _exit(status: i32) -> !;
        }
        extern "C" fn end(status: i32, _: *mut c_void) {
            // SAFETY: nothing of this process is used after this call.
            unsafe { _exit(status) }
        }
        // SAFETY: the function stays, and is called as the C library says. Where there is no memory for it, all
        // is as if it had not been asked for.
        let _ = unsafe { on_exit(end, std::ptr::null_mut()) };
    }
}

fn enter(verified: Verified) -> Result<Vec<Registration>> {
    // Open for life, all of them: the dynamic linker knows them by their descriptors' numbers.
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
    // SAFETY: a verified library's entry is a function, and its name says of which interface.
    let entry = unsafe { library.get::<Entry>(symbol.as_bytes()) };
    let entry = *entry.map_err(|_| unusable("the plugin's entry cannot be found"))?;
    // SAFETY: that is what an entry of this interface is called with.
    let plugin = unsafe { entry() };
    // SAFETY: what a trusted plugin shows is a table, and stays.
    unsafe { Brought::read(plugin).map(Brought::keep) }
}

/// The pinned libraries that are loaded: the dynamic linker knows them by their names alone.
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
            .hint("Trust the plugin with --run, so that it has a process of its own"));
    }
    open(needed.library.path().as_os_str(), RTLD_NOW)?;
    loaded.push((needed.name.clone(), needed.digest));
    Ok(())
}

fn is_loaded(name: &str) -> bool {
    // SAFETY: nothing is loaded, so nothing runs.
    unsafe { Library::open(Some(name), RTLD_LAZY | RTLD_NOLOAD) }.is_ok()
}

/// Opens a library that is never closed: its threads, its panics and its tables outlive every user.
fn open(path: &OsStr, how: i32) -> Result<&'static Library> {
    // SAFETY: the library is the system's or was verified; what it does as it starts is trusted.
    let library = unsafe { Library::open(Some(path), how | RTLD_LOCAL) };
    let library = library.map_err(|error| {
        // The linker's own words name a descriptor, and what is missing.
        let why = error.to_string();
        let why = why.rsplit(": ").next().unwrap_or_default().to_owned();
        unusable(format_args!("the library cannot be loaded: {why}"))
    })?;
    Ok(Box::leak(Box::new(library)))
}
