use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Error, Result};

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` and returns a panic as an error.
///
/// Some libraries trust the bytes that they read, and panic if they did not write those bytes.
///
/// # Errors
/// The errors of `work`; [`Corrupt`](crate::ErrorKind::Corrupt) if it panics.
///
/// # Examples
/// ```
/// use keyward_core::{ErrorKind, catch_panic};
///
/// let damaged: &[u8] = b"";
/// let error = catch_panic("get", || Ok(damaged[0])).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Corrupt);
/// ```
pub fn catch_panic<T>(operation: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let outer = CATCHING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(outer);
    result.unwrap_or_else(|_| Err(Error::corrupt(operation)))
}

/// Whether [`catch_panic`] would turn a panic of this thread into an error now. If so, a panic hook
/// has nothing to report.
pub fn panic_is_caught() -> bool {
    CATCHING.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_is_caught_only_inside_catch_panic() {
        assert!(!panic_is_caught());
        let inner = catch_panic("outer", || {
            let result: Result<()> = catch_panic("inner", || panic!("damage"));
            assert!(panic_is_caught());
            Ok(result)
        });
        assert_eq!(inner.unwrap().unwrap_err().operation(), "inner");
        assert!(!panic_is_caught());
    }
}
