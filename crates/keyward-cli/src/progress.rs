//! Shows the progress of long work on a terminal.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// A counter on standard error. It prints nothing if standard error is not a terminal.
pub(crate) struct Progress {
    done: u64,
    what: &'static str,
    shown: Option<Instant>,
}

const EVERY: Duration = Duration::from_millis(200);

impl Progress {
    pub(crate) fn new(what: &'static str) -> Self {
        let watched = std::io::stderr().is_terminal();
        Self { done: 0, what, shown: watched.then(Instant::now) }
    }

    pub(crate) fn step(&mut self) {
        self.done += 1;
        if self.shown.is_some_and(|shown| shown.elapsed() > EVERY) {
            self.shown = Some(Instant::now());
            drop(write!(std::io::stderr(), "\r{} {}", self.done, self.what));
        }
    }

    /// Clears the line.
    pub(crate) fn clear(&self) {
        if self.shown.is_some() {
            drop(write!(std::io::stderr(), "\r\x1b[K"));
        }
    }
}
