//! How long is waited, with the clock stopped while a person is asked.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Until when a call waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    pub(super) started: Instant,
    pub(super) limit: Duration,
    /// Whether it is the caller who waits no longer, rather than the child being stuck.
    pub(super) soft: bool,
    /// How long the clock had been stopped until then.
    paused: Duration,
}

impl Deadline {
    /// The point from which on the child counts as stuck.
    pub(super) fn hard(&self, patience: Duration) -> Self {
        Self { limit: self.limit.max(patience), ..*self }
    }
}

/// The times in which the child waited for its host.
#[derive(Debug, Default)]
pub(super) struct Pauses(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    open: usize,
    since: Option<Instant>,
    total: Duration,
}

impl Pauses {
    /// From now on so long.
    pub(super) fn deadline(&self, limit: Duration, soft: bool) -> Deadline {
        Deadline { started: Instant::now(), limit, soft, paused: self.total() }
    }

    /// What is left of a deadline; none if nothing is.
    pub(super) fn left(&self, deadline: &Deadline) -> Option<Duration> {
        let paused = self.total().saturating_sub(deadline.paused);
        let passed = deadline.started.elapsed().saturating_sub(paused);
        deadline.limit.checked_sub(passed).filter(|left| !left.is_zero())
    }

    /// How long the clock has been stopped so far.
    pub(super) fn total(&self) -> Duration {
        let state = self.state();
        state.total + state.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Stops the clock for as long as this works.
    pub(super) fn pause<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut state = self.state();
        state.open += 1;
        state.since.get_or_insert_with(Instant::now);
        drop(state);
        let _resume = Resume(self);
        work()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the clock run again, also after a panic.
struct Resume<'a>(&'a Pauses);

impl Drop for Resume<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.open -= 1;
        if state.open == 0
            && let Some(since) = state.since.take()
        {
            state.total += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_does_not_count() {
        let pauses = Pauses::default();
        let deadline = pauses.deadline(Duration::from_millis(80), false);
        pauses.pause(|| {
            pauses.pause(|| std::thread::sleep(Duration::from_millis(100)));
            assert!(pauses.left(&deadline).is_some());
        });
        assert!(pauses.left(&deadline).is_some());
        std::thread::sleep(Duration::from_millis(100));
        assert!(pauses.left(&deadline).is_none());
    }
}
