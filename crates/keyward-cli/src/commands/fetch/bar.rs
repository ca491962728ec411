//! The progress of a download, on a terminal.
//!
//! A crate that draws bars would make each start of the program load the mathematics library, for a
//! picture that few commands draw.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// How often the line is written again.
const PAUSE: Duration = Duration::from_millis(200);

/// A line on standard error, which goes when the download ends.
pub(in crate::commands) struct Bar {
    is_shown: bool,
    written: Option<Instant>,
}

impl Bar {
    pub(in crate::commands) fn new(is_quiet: bool) -> Self {
        Self { is_shown: !is_quiet && stderr().is_terminal(), written: None }
    }

    /// Shows how many bytes there are, of how many.
    pub(in crate::commands) fn show(&mut self, done: u64, total: Option<u64>) {
        if !self.is_shown || self.written.is_some_and(|written| written.elapsed() < PAUSE) {
            return;
        }
        self.written = Some(Instant::now());
        write(&line(done, total));
    }

    pub(in crate::commands) fn clear(&mut self) {
        if self.written.take().is_some() {
            write("");
        }
    }
}

/// Writes a line over the one that is there. A line that cannot be written is no reason to fail.
fn write(line: &str) {
    let mut out = stderr().lock();
    drop(write!(out, "\r\x1b[K{line}").and_then(|()| out.flush()));
}

fn line(done: u64, total: Option<u64>) -> String {
    match total {
        Some(total) if total > 0 => {
            let percent = u128::from(done) * 100 / u128::from(total);
            format!("{} of {} ({percent} %)", size(done), size(total))
        }
        _ => size(done),
    }
}

/// Returns a number of bytes in the largest unit of which there is one, with one decimal.
fn size(bytes: u64) -> String {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    match units.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit / (unit / 10)),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_there_is() {
        for (done, total, expected) in [
            (0, None, "0 bytes"),
            (999, Some(0), "999 bytes"),
            (1_500, Some(3_000_000), "1.5 kB of 3.0 MB (0 %)"),
            (3_000_000, Some(3_000_000), "3.0 MB of 3.0 MB (100 %)"),
            (1_990_000_000, None, "1.9 GB"),
        ] {
            assert_eq!(line(done, total), expected);
        }
    }
}
