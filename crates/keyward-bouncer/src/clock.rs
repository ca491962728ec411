//! A clock that cannot be set back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use keyward_core::{Host, Timestamp};

/// The time of the host, or, if the host's clock was set back, the last time of the host and what has
/// passed since. So no keycard lives longer because an operator corrects the clock.
#[derive(Debug)]
pub(crate) struct Clock {
    host: Arc<dyn Host>,
    last: Mutex<(Timestamp, Instant)>,
}

impl Clock {
    pub(crate) fn new(host: Arc<dyn Host>) -> Self {
        let last = Mutex::new((host.now(), Instant::now()));
        Self { host, last }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (time, since) = *last;
        let at_least = time.after(since.elapsed());
        let now = self.host.now();
        if now < at_least {
            return at_least;
        }
        *last = (now, Instant::now());
        now
    }
}
