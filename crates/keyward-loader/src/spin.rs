//! Reading from a pipe without being put to sleep, as long as that is likely to be worth it.
//!
//! To sleep until the other process has written, and to be woken on another processor, takes longer
//! than what most calls do. So each side looks again and again for about as long as a sleep would
//! cost it. Where that was just too short, maybe since the other side waits for this very processor,
//! the next few reads sleep at once.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

/// How long to look.
const LENGTH: Duration = Duration::from_micros(25);

/// What came within this time was nearly seen; what came later would not have been seen in any case.
const NEARLY: Duration = Duration::from_micros(250);

/// How many reads do not look after one that looked in vain, and nearly saw something.
const REST: u8 = 8;

/// A pipe whose reads do not wait. One that finds nothing looks for a moment before it says so.
#[derive(Debug)]
pub(crate) struct Spinning<R> {
    pipe: R,
    rest: u8,
    /// Since when it is looked for what comes next, where that was given up.
    given_up: Option<Instant>,
}

impl<R> Spinning<R> {
    pub(crate) fn new(pipe: R) -> Self {
        Self { pipe, rest: 0, given_up: None }
    }
}

impl<R: Read> Read for Spinning<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let started = Instant::now();
        loop {
            let nothing = match self.pipe.read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => error,
                read => {
                    if self.given_up.take().is_some_and(|since| since.elapsed() < NEARLY) {
                        self.rest = REST;
                    }
                    return read;
                }
            };
            if self.rest > 0 {
                self.rest -= 1;
                return Err(nothing);
            }
            if started.elapsed() > LENGTH {
                self.given_up.get_or_insert(started);
                return Err(nothing);
            }
        }
    }
}

impl<R: AsFd> AsFd for Spinning<R> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// The same pipe for whoever wants to wait.
#[derive(Debug)]
pub(crate) struct Waiting<R>(pub(crate) Spinning<R>);

impl<R: Read + AsFd> Read for Waiting<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            // What is wrong with it, the next read tells.
            let _ = rustix::event::poll(&mut [PollFd::new(&self.0, PollFlags::IN)], None);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, PipeWriter, Write, pipe};
    use std::thread;

    use super::*;

    fn spinning() -> (Spinning<PipeReader>, PipeWriter) {
        let (reader, writer) = pipe().unwrap();
        rustix::io::ioctl_fionbio(&reader, true).unwrap();
        (Spinning::new(reader), writer)
    }

    #[test]
    fn what_is_there_is_read_and_nothing_is_not_waited_for() {
        let (mut reader, mut writer) = spinning();
        let mut bytes = [0; 8];
        assert_eq!(reader.read(&mut bytes).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        writer.write_all(b"now").unwrap();
        assert_eq!(reader.read(&mut bytes).unwrap(), 3);
        drop(writer);
        assert_eq!(reader.read(&mut bytes).unwrap(), 0);
    }

    #[test]
    fn after_a_look_that_was_just_too_short_some_reads_do_not_look() {
        let (mut reader, mut writer) = spinning();
        // However long the lines below take, it counts as just now.
        reader.given_up = Some(Instant::now() + Duration::from_secs(60));
        writer.write_all(b"soon").unwrap();
        assert!(reader.read(&mut [0; 8]).is_ok());
        for rest in (0..REST).rev() {
            assert!(reader.read(&mut [0]).is_err());
            assert_eq!((reader.rest, reader.given_up), (rest, None));
        }
        assert!(reader.read(&mut [0]).is_err());
        assert!(reader.given_up.is_some());
        thread::sleep(2 * NEARLY);
        writer.write_all(b"late").unwrap();
        assert!(reader.read(&mut [0; 8]).is_ok());
        assert_eq!((reader.rest, reader.given_up), (0, None));
    }

    #[test]
    fn whoever_waits_does_so_as_long_as_it_takes() {
        let (reader, mut writer) = spinning();
        let late = thread::spawn(move || {
            thread::sleep(4 * LENGTH);
            writer.write_all(b"late").unwrap();
        });
        let mut reader = Waiting(reader);
        let mut bytes = [0; 8];
        assert_eq!(reader.read(&mut bytes).unwrap(), 4);
        late.join().unwrap();
        assert_eq!(reader.read(&mut bytes).unwrap(), 0);
    }
}
