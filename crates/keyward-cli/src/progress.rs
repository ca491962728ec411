//! Shows the progress of long work on a terminal.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// A counter on standard error. It prints nothing if standard error is not a terminal.
pub(crate) struct Progress {
    done: u64,
    noun: &'static str,
    printed: Option<Instant>,
}

const INTERVAL: Duration = Duration::from_millis(200);

impl Progress {
    pub(crate) fn new(noun: &'static str) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { done: 0, noun, printed: is_terminal.then(Instant::now) }
    }

    pub(crate) fn step(&mut self) {
        self.done += 1;
        if self.printed.is_some_and(|printed| printed.elapsed() > INTERVAL) {
            self.printed = Some(Instant::now());
            drop(write!(std::io::stderr(), "\r{} {}", self.done, self.noun));
        }
    }

    /// Clears the line.
    pub(crate) fn clear(&self) {
        if self.printed.is_some() {
            drop(write!(std::io::stderr(), "\r\x1b[K"));
        }
    }
}
