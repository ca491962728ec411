//! The deadline of the operation that a thread does.

use std::cell::Cell;
use std::time::{Duration, Instant};

thread_local! {
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Does `work` with a time limit.
///
/// Backends that this thread calls see the time that is left as
/// [`Host::remaining`](keyward_core::Host::remaining): a backend that waits returns an error in time,
/// so does a call to a child process, and a store makes no further call. Within another limit, the
/// earlier deadline applies. A linked backend that does not look at the time is not interrupted.
///
/// # Errors
/// `work` returns [`Unavailable`](keyward_core::ErrorKind::Unavailable) or
/// [`Locked`](keyward_core::ErrorKind::Locked) if the time was too short.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use keyward_config::within;
///
/// assert_eq!(within(Duration::from_secs(5), || 6 * 7), 42);
/// ```
pub fn within<T>(limit: Duration, work: impl FnOnce() -> T) -> T {
    let outer = DEADLINE.get();
    let deadline = Instant::now().checked_add(limit);
    let earlier = [outer, deadline].into_iter().flatten().min();
    DEADLINE.set(earlier);
    let _restore = Restore(outer);
    work()
}

/// Returns the time that is left for the operation of this thread, if it is limited.
pub(crate) fn remaining() -> Option<Duration> {
    DEADLINE.get().map(|deadline| deadline.saturating_duration_since(Instant::now()))
}

/// Sets the outer deadline again when the work ends, even by a panic.
struct Restore(Option<Instant>);

impl Drop for Restore {
    fn drop(&mut self) {
        DEADLINE.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_deadline_applies_and_ends_with_its_work() {
        assert_eq!(remaining(), None);
        within(Duration::from_secs(1), || {
            assert!(remaining().unwrap() <= Duration::from_secs(1));
            within(Duration::from_secs(100), || {
                assert!(remaining().unwrap() <= Duration::from_secs(1));
            });
            within(Duration::ZERO, || assert_eq!(remaining(), Some(Duration::ZERO)));
            assert!(remaining().unwrap() > Duration::ZERO);
        });
        assert_eq!(remaining(), None);
    }
}
