use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use http::HeaderMap;
use http::header::DATE;
use jiff::fmt::rfc2822::DateTimeParser;
use keyward_core::Timestamp;

/// A difference that the way of an answer explains, in seconds.
const USUAL: i64 = 5;

/// The largest difference that is taken for one of clocks, in seconds: a day. A server must not get
/// assertions that are signed for another year.
const MAX: i64 = 24 * 60 * 60;

/// The clock of this machine, and how far that of the server is ahead of it.
#[derive(Clone)]
pub(crate) struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// In seconds, according to the last answer.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    pub(crate) fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { now: Arc::new(now), ahead: Arc::default() }
    }

    /// The time of this machine.
    pub(crate) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// The time of the server, as far as it is known and believed.
    pub(crate) fn server_now(&self) -> Timestamp {
        Timestamp::from_unix(self.now().as_unix().saturating_add_signed(self.believed_ahead()))
    }

    /// By how many seconds the server's clock is ahead, or 0 if that cannot be.
    pub(crate) fn believed_ahead(&self) -> i64 {
        Some(self.ahead()).filter(|ahead| ahead.abs() <= MAX).unwrap_or(0)
    }

    /// By how many seconds the server's clock is ahead.
    pub(crate) fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }

    /// Notes the time in the head of an answer (RFC 9110 section 6.6.1), if it has one.
    pub(crate) fn note(&self, headers: &HeaderMap) {
        let Some(date) = headers.get(DATE).and_then(|date| date.to_str().ok()) else { return };
        let Ok(date) = DateTimeParser::new().parse_timestamp(date) else { return };
        let now = i64::try_from(self.now().as_unix()).unwrap_or(i64::MAX);
        let ahead = date.as_second().saturating_sub(now);
        let ahead = if ahead.abs() > USUAL { ahead } else { 0 };
        self.ahead.store(ahead, Ordering::Relaxed);
    }
}

impl Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("ahead", &self.ahead()).finish_non_exhaustive()
    }
}
