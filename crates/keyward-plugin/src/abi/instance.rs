//! An open backend behind a pointer, and how to call it.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use keyward_core::{Error, ErrorKind, Result};

use super::data::Failure;
use super::table;
use super::{STATUS_OK, STATUS_PANICKED, STATUS_POISONED};

/// The content of a [`table::Instance`] of a plugin in Rust.
pub(super) struct Opened<T: ?Sized> {
    backend: Box<T>,
    poisoned: AtomicBool,
}

thread_local! {
    /// Where this thread panicked last.
    static PANICKED_AT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Stops a plugin's panics from printing, because the message may contain a secret. Only the
/// location is kept.
pub(super) fn silence_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            PANICKED_AT.set(place);
        }));
    });
}

/// Runs a plugin's work for a C caller. A panic does not leave this function.
///
/// # Safety
/// `failure` is NULL or a table whose maker has initialized it.
pub(super) unsafe fn guard(failure: *mut Failure, work: impl FnOnce() -> Result<()>) -> i32 {
    // The methods of an error may be a plugin's code too, so they are called in here, and so is its
    // drop.
    let work = || match work() {
        Ok(()) => STATUS_OK,
        Err(error) => Failure::report(failure, &error),
    };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(status) => status,
        Err(payload) => {
            // The payload may panic again when it is dropped.
            std::mem::forget(payload);
            let place = PANICKED_AT.take();
            let error = Error::new(ErrorKind::Other, "plugin")
                .because(format!("the plugin panicked at {place}"));
            Failure::report(failure, &error);
            STATUS_PANICKED
        }
    }
}

/// Makes a pointer to a backend.
pub(super) fn open<T: ?Sized>(backend: Box<T>) -> *mut table::Instance {
    Box::into_raw(Box::new(Opened { backend, poisoned: AtomicBool::new(false) })).cast()
}

/// Closes a backend.
///
/// # Safety
/// The pointer came from [`open`], and is not used afterwards.
pub(super) unsafe extern "C" fn close<T: ?Sized>(instance: *mut table::Instance) {
    if !instance.is_null() {
        guard(std::ptr::null_mut(), || {
            drop(Box::from_raw(instance.cast::<Opened<T>>()));
            Ok(())
        });
    }
}

/// Calls a backend that has not panicked yet.
///
/// # Safety
/// The pointer came from [`open`]; `failure` is NULL or a table whose maker has initialized it.
pub(super) unsafe fn call<T: ?Sized>(
    instance: *mut table::Instance,
    failure: *mut Failure,
    work: impl FnOnce(&T) -> Result<()>,
) -> i32 {
    let opened = &*instance.cast::<Opened<T>>();
    if opened.poisoned.load(Ordering::Acquire) {
        return STATUS_POISONED;
    }
    let status = guard(failure, || work(&opened.backend));
    if status == STATUS_PANICKED {
        opened.poisoned.store(true, Ordering::Release);
    }
    status
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    /// A cause whose `Display` or `Drop` panics.
    #[derive(Debug)]
    enum Cause {
        Mute,
        Sticky,
    }

    impl fmt::Display for Cause {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Self::Mute => panic!(),
                Self::Sticky => Ok(()),
            }
        }
    }

    impl std::error::Error for Cause {}

    impl Drop for Cause {
        fn drop(&mut self) {
            assert!(matches!(self, Self::Mute));
        }
    }

    #[test]
    fn an_error_that_panics_is_a_panic() {
        silence_panics();
        for cause in [Cause::Mute, Cause::Sticky] {
            let mut failure = Failure::new();
            // SAFETY: the table was initialized on the line above.
            let status =
                unsafe { guard(&mut failure, || Err(Error::not_found("get").caused_by(cause))) };
            assert_eq!(status, STATUS_PANICKED);
            // SAFETY: the buffers are valid.
            let error = unsafe { failure.read("get", status) }.unwrap_err();
            assert!(error.to_string().contains("the plugin panicked at"), "{error}");
        }
    }
}
