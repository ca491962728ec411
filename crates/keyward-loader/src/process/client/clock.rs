//! The time that a call may take.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Measures the time of one call. It stops while the host does what the child asked for.
#[derive(Debug)]
pub(super) struct Clock {
    pub(super) limit: Duration,
    /// Whether the caller gives up when the time is over, and the child may go on.
    pub(super) gives_up: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the clock was started, later by the time for which it was stopped.
    started: Instant,
    /// How many pauses there are, and when the first of them began.
    pauses: u32,
    stopped: Instant,
}

impl Clock {
    /// Starts a clock.
    pub(super) fn start(limit: Duration, gives_up: bool) -> Arc<Self> {
        let now = Instant::now();
        let state = Mutex::new(State { started: now, pauses: 0, stopped: now });
        Arc::new(Self { limit, gives_up, state })
    }

    /// The time that is left; `None` when it is over.
    pub(super) fn left(&self) -> Option<Duration> {
        self.left_of(self.limit)
    }

    /// The limit after which the child counts as stuck, whether or not the caller has given up.
    pub(super) fn hard_limit(&self, call_timeout: Duration) -> Duration {
        self.limit.max(call_timeout)
    }

    /// The time that is left of a limit; `None` when it is over.
    pub(super) fn left_of(&self, limit: Duration) -> Option<Duration> {
        let state = self.state();
        let now = if state.pauses > 0 { state.stopped } else { Instant::now() };
        let left = limit.checked_sub(now.saturating_duration_since(state.started));
        left.filter(|left| !left.is_zero())
    }

    fn stop(&self) {
        let mut state = self.state();
        if state.pauses == 0 {
            state.stopped = Instant::now();
        }
        state.pauses += 1;
    }

    fn resume(&self) {
        let mut state = self.state();
        state.pauses -= 1;
        if state.pauses == 0 {
            let pause = state.stopped.elapsed();
            state.started += pause;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops the clocks of the calls that were under way when it began, until it is dropped.
///
/// A call that is made during a pause runs on its own clock: the host may need its answer to end
/// the pause.
#[derive(Debug)]
pub(super) struct Pause(Vec<Arc<Clock>>);

impl Pause {
    pub(super) fn begin(clocks: Vec<Arc<Clock>>) -> Self {
        clocks.iter().for_each(|clock| clock.stop());
        Self(clocks)
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.0.iter().for_each(|clock| clock.resume());
    }
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;

    #[test]
    fn the_time_of_a_prompt_does_not_count() {
        let clock = Clock::start(Duration::from_millis(80), false);
        let outer = Pause::begin(vec![clock.clone()]);
        let inner = Pause::begin(vec![clock.clone()]);
        sleep(Duration::from_millis(100));
        drop(inner);
        assert!(clock.left().is_some());
        drop(outer);
        assert!(clock.left().is_some());
        sleep(Duration::from_millis(100));
        assert!(clock.left().is_none());
    }

    #[test]
    fn a_call_that_is_made_in_a_pause_has_its_own_time() {
        let _pause = Pause::begin(vec![Clock::start(Duration::from_millis(20), false)]);
        let clock = Clock::start(Duration::from_millis(20), false);
        sleep(Duration::from_millis(30));
        assert!(clock.left().is_none());
    }

    #[test]
    fn a_long_pause_counts_however_many_short_ones_there_are() {
        let clock = Clock::start(Duration::from_secs(1), false);
        let many = || (0..128).for_each(|_| drop(Pause::begin(vec![clock.clone()])));
        let long = Pause::begin(vec![clock.clone()]);
        many();
        sleep(Duration::from_millis(1100));
        assert!(clock.left().is_some());
        drop(long);
        many();
        assert!(clock.left().is_some());
    }
}
