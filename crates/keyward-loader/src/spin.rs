//! Waiting for a pipe without being put to sleep, as long as that is likely to be worth it.
//!
//! To sleep until the other process has written, and to be woken on another processor, takes longer
//! than what most calls do. So each side looks again and again, for about as long as a sleep
//! would cost it, and sleeps only then.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

/// How long to look before going to sleep.
const LENGTH: Duration = Duration::from_micros(50);

/// Whether two processes can run at once. Where they cannot, looking keeps the other from writing.
static IS_WORTH_IT: LazyLock<bool> =
    LazyLock::new(|| thread::available_parallelism().is_ok_and(|processors| processors.get() > 1));

/// The moment in which to look.
#[derive(Debug)]
pub(crate) struct Spin(Instant);

impl Spin {
    pub(crate) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Whether to look once more.
    pub(crate) fn goes_on(&self) -> bool {
        *IS_WORTH_IT && self.0.elapsed() < LENGTH
    }
}

/// A pipe that is looked at for a moment before a read sleeps.
#[derive(Debug)]
pub(crate) struct Spinning<R>(pub(crate) R);

impl<R: Read + AsFd> Read for Spinning<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

        let spin = Spin::begin();
        while spin.goes_on() {
            let mut pipe = [PollFd::new(&self.0, PollFlags::IN)];
            // What is wrong with it, the read tells.
            if rustix::event::poll(&mut pipe, Some(&AT_ONCE)) != Ok(0) {
                break;
            }
        }
        self.0.read(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Write, pipe};

    use super::*;

    #[test]
    fn what_is_there_is_read_at_once() {
        let (reader, mut writer) = pipe().unwrap();
        writer.write_all(b"now").unwrap();
        assert_eq!(Spinning(reader).read(&mut [0; 8]).unwrap(), 3);
    }

    #[test]
    fn a_spin_ends() {
        let spin = Spin::begin();
        thread::sleep(LENGTH);
        assert!(!spin.goes_on());
    }

    #[test]
    fn a_read_waits_as_long_as_it_takes() {
        let (reader, mut writer) = pipe().unwrap();
        let late = thread::spawn(move || {
            thread::sleep(4 * LENGTH);
            writer.write_all(b"late").unwrap();
        });
        let mut bytes = [0; 8];
        assert_eq!(Spinning(reader).read(&mut bytes).unwrap(), 4);
        late.join().unwrap();
    }

    #[test]
    fn the_end_is_seen_too() {
        let (mut reader, writer) =
            pipe().map(|(reader, writer)| (Spinning(reader), writer)).unwrap();
        drop(writer);
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    }
}
