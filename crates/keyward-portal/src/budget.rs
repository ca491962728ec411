use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use keyward_core::{Error, ErrorKind, Result};

/// Limits the memory that hashes use at the same time.
///
/// A memory-hard hash uses tens of megabytes. Without a limit, a few hundred parallel logins would
/// use all memory of a machine. A hash that finds no room waits, and so does one that finds no
/// processor: with more of them at once, none is faster.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    processors: usize,
    used: Mutex<Used>,
    freed: Condvar,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Used {
    bytes: usize,
    processors: usize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self { limit, processors, used: Mutex::default(), freed: Condvar::new() }
    }

    /// Waits until there is room for this many bytes, or for as much as there is at all.
    ///
    /// # Errors
    /// [`Full`](ErrorKind::Full) if the wait is over first. It is not the error of a checker that is
    /// unavailable, so no other checker is asked instead.
    pub(crate) fn reserve(&self, bytes: usize, wait: Duration) -> Result<Reserved<'_>> {
        let bytes = bytes.min(self.limit);
        let end = Instant::now() + wait;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let processors = usize::from(bytes > 0);
        while used.bytes + bytes > self.limit || used.processors + processors > self.processors {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::new(ErrorKind::Full, "login")
                    .because("too many logins hash passwords at the same time"));
            }
            let waited = self.freed.wait_timeout(used, left);
            used = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        used.bytes += bytes;
        used.processors += processors;
        Ok(Reserved { budget: self, bytes })
    }
}

/// Memory that is set aside until this is dropped.
#[derive(Debug)]
pub(crate) struct Reserved<'a> {
    budget: &'a Budget,
    bytes: usize,
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        let mut used = self.budget.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.bytes -= self.bytes;
        used.processors -= usize::from(self.bytes > 0);
        drop(used);
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_waits() {
        let budget = Budget { processors: 2, ..Budget::new(10) };
        let first = budget.reserve(6, Duration::ZERO).unwrap();
        drop(budget.reserve(4, Duration::ZERO).unwrap());
        drop(budget.reserve(0, Duration::ZERO).unwrap());
        let error = budget.reserve(5, Duration::from_millis(10)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Full);
        let second = budget.reserve(1, Duration::ZERO).unwrap();
        assert!(budget.reserve(1, Duration::ZERO).is_err(), "there is no third processor");
        drop(second);
        std::thread::scope(|scope| {
            let second = scope.spawn(|| budget.reserve(100, Duration::from_secs(60)).is_ok());
            drop(first);
            assert!(second.join().unwrap());
        });
        assert_eq!(*budget.used.lock().unwrap(), Used::default());
    }
}
