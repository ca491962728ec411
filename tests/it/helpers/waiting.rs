//! Waiting for what other threads and processes do. Every wait has an end.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Far longer than anything here takes, also on a busy machine.
const LONGEST: Duration = Duration::from_secs(60);

/// Waits until this is true. It fails the test after a minute.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    assert!(poll(|| is_true().then_some(())).is_some(), "waited in vain: {what}");
}

/// Asks again and again until there is a value; `None` after a minute.
pub(crate) fn poll<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + LONGEST;
    loop {
        let value = ask();
        if value.is_some() || Instant::now() > end {
            return value;
        }
        sleep(Duration::from_millis(1));
    }
}
