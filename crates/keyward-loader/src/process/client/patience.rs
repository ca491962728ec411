//! How long is waited, with the clock stopped while a person is asked.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most pauses that are remembered; no more than these last at once.
const MOST: usize = 64;

/// Until when a call waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    pub(super) started: Instant,
    pub(super) limit: Duration,
    /// Whether it is the caller who waits no longer, rather than the child being stuck.
    pub(super) soft: bool,
}

impl Deadline {
    /// From now on so long.
    pub(super) fn new(limit: Duration, soft: bool) -> Self {
        Self { started: Instant::now(), limit, soft }
    }

    /// The point from which on the child counts as stuck.
    pub(super) fn hard(&self, patience: Duration) -> Self {
        Self { limit: self.limit.max(patience), ..*self }
    }
}

/// The times in which the child waited for its host, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Pauses(Mutex<Vec<Pause>>);

#[derive(Debug)]
struct Pause {
    begin: Instant,
    /// None as long as it lasts.
    end: Option<Instant>,
}

impl Pauses {
    /// What is left of a deadline; none if nothing is.
    ///
    /// Only what the child asked after a call was made stops the clock of that call. A call that was
    /// made to answer a question of the child must come to its end.
    pub(super) fn left(&self, deadline: &Deadline) -> Option<Duration> {
        let passed = deadline.started.elapsed().saturating_sub(self.since(deadline.started));
        deadline.limit.checked_sub(passed).filter(|left| !left.is_zero())
    }

    /// How long the clock stood still in pauses that began after this.
    fn since(&self, started: Instant) -> Duration {
        let (mut still, mut until) = (Duration::ZERO, started);
        for pause in self.pauses().iter().filter(|pause| pause.begin > started) {
            let end = pause.end.unwrap_or_else(Instant::now);
            still += end.saturating_duration_since(pause.begin.max(until));
            until = until.max(end);
        }
        still
    }

    /// Stops the clock for as long as this works.
    pub(super) fn pause<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut pauses = self.pauses();
        if pauses.len() >= MOST {
            forget_shortest(&mut pauses);
        }
        let begin = Instant::now();
        pauses.push(Pause { begin, end: None });
        drop(pauses);
        let _resume = Resume(self, begin);
        work()
    }

    fn pauses(&self) -> MutexGuard<'_, Vec<Pause>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes room, at the least cost to whoever waits. What still lasts stays: a person may be typing.
fn forget_shortest(pauses: &mut Vec<Pause>) {
    let lengths =
        pauses.iter().enumerate().filter_map(|(at, pause)| Some((pause.end? - pause.begin, at)));
    if let Some((_, at)) = lengths.min() {
        pauses.remove(at);
    }
}

/// Lets the clock run again, also after a panic.
struct Resume<'a>(&'a Pauses, Instant);

impl Drop for Resume<'_> {
    fn drop(&mut self) {
        let mut pauses = self.0.pauses();
        let mut open = pauses.iter_mut().filter(|pause| pause.end.is_none());
        if let Some(pause) = open.find(|pause| pause.begin == self.1) {
            pause.end = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_does_not_count() {
        let pauses = Pauses::default();
        let deadline = Deadline::new(Duration::from_millis(80), false);
        pauses.pause(|| {
            pauses.pause(|| std::thread::sleep(Duration::from_millis(100)));
            assert!(pauses.left(&deadline).is_some());
        });
        assert!(pauses.left(&deadline).is_some());
        std::thread::sleep(Duration::from_millis(100));
        assert!(pauses.left(&deadline).is_none());
    }

    #[test]
    fn what_is_called_in_a_pause_has_its_own_time() {
        let pauses = Pauses::default();
        pauses.pause(|| {
            let deadline = Deadline::new(Duration::from_millis(20), false);
            std::thread::sleep(Duration::from_millis(30));
            assert!(pauses.left(&deadline).is_none());
        });
    }

    #[test]
    fn what_lasted_is_remembered_whatever_else_is_asked() {
        let pauses = Pauses::default();
        let deadline = Deadline::new(Duration::from_secs(1), false);
        let many = || (0..2 * MOST).for_each(|_| pauses.pause(|| {}));
        pauses.pause(|| {
            many();
            std::thread::sleep(Duration::from_millis(1100));
            assert!(pauses.left(&deadline).is_some());
        });
        many();
        assert!(pauses.left(&deadline).is_some());
    }
}
