//! Copies what the program writes through a mask.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::channel::Channel;
use crate::mask::Mask;

/// How long the program writes nothing until what may begin a secret is shown.
const PAUSE: Duration = Duration::from_millis(50);

/// How long processes that the program left behind write nothing until the rest is given up.
const LAST: Duration = Duration::from_millis(100);

/// The most that is read after the program's end. A pipe or a terminal holds less.
const MOST_AT_END: usize = 1 << 20;

/// One pump for each masked stream.
#[derive(Debug)]
pub(super) struct Pumps {
    /// Closed when the program has ended.
    running: PipeWriter,
    ended: PipeReader,
    prepared: Vec<Pump>,
    started: Vec<JoinHandle<()>>,
}

impl Pumps {
    pub(super) fn new() -> io::Result<Self> {
        let (ended, running) = io::pipe()?;
        Ok(Self { running, ended, prepared: Vec::new(), started: Vec::new() })
    }

    pub(super) fn add(&mut self, from: File, channel: &Channel, mask: Mask) -> io::Result<()> {
        self.prepared.push(Pump {
            from,
            to: channel.stream.try_clone_to_owned()?.into(),
            is_terminal: channel.terminal.is_some(),
            ended: self.ended.try_clone()?,
            has_ended: false,
            mask,
        });
        Ok(())
    }

    pub(super) fn start(&mut self) {
        let pumps = self.prepared.drain(..);
        self.started.extend(pumps.map(|pump| thread::spawn(move || drop(pump.run()))));
    }

    /// Copies what is left after the program's end.
    pub(super) fn finish(self) {
        drop(self.running);
        for pump in self.started {
            // A panic has been reported.
            let _ = pump.join();
        }
    }
}

#[derive(Debug)]
struct Pump {
    from: File,
    to: File,
    is_terminal: bool,
    ended: PipeReader,
    has_ended: bool,
    mask: Mask,
}

/// What the program does next.
enum Next {
    Bytes(usize),
    Pause,
    End,
}

impl Pump {
    fn run(mut self) -> io::Result<()> {
        let mut bytes = Zeroizing::new([0; 16 << 10]);
        let (mut shown, mut at_end) = (Vec::new(), 0);
        let (mut rests, mut is_broken) = (false, false);
        loop {
            let next = self.next(&mut bytes[..], self.mask.is_holding() && !rests)?;
            rests = matches!(next, Next::Pause);
            let is_last = match next {
                Next::Bytes(read) => {
                    self.mask.take(&bytes[..read], &mut shown);
                    at_end += if self.has_ended { read } else { 0 };
                    at_end > MOST_AT_END
                }
                Next::Pause => {
                    self.mask.pause(&mut shown);
                    false
                }
                Next::End => true,
            };
            if is_last {
                self.mask.end(&mut shown);
            }
            if !is_broken && let Err(error) = self.to.write_all(&shown) {
                // A program gets a signal when its pipe is closed. One whose terminal is gone goes
                // on writing.
                if !self.is_terminal {
                    return Err(error);
                }
                is_broken = true;
            }
            if is_last {
                return Ok(());
            }
            shown.clear();
        }
    }

    fn next(&mut self, bytes: &mut [u8], may_pause: bool) -> io::Result<Next> {
        loop {
            let wait = if self.has_ended { Some(LAST) } else { may_pause.then_some(PAUSE) };
            let (has_bytes, ended) = self.poll(wait)?;
            if has_bytes {
                match self.from.read(bytes) {
                    Ok(0) => return Ok(Next::End),
                    Ok(read) => return Ok(Next::Bytes(read)),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // Nothing has the other side of the terminal open any more.
                    Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => {
                        return Ok(Next::End);
                    }
                    Err(error) => return Err(error),
                }
            } else if ended {
                self.has_ended = true;
            } else if self.has_ended {
                return Ok(Next::End);
            } else if may_pause {
                return Ok(Next::Pause);
            }
        }
    }

    /// Waits until there are bytes, or the program ends, or the time is over.
    fn poll(&self, wait: Option<Duration>) -> io::Result<(bool, bool)> {
        let wait = wait.and_then(|wait| Timespec::try_from(wait).ok());
        let mut ready =
            [PollFd::new(&self.from, PollFlags::IN), PollFd::new(&self.ended, PollFlags::IN)];
        // After the end, the second one would always be ready.
        let polled = if self.has_ended { &mut ready[..1] } else { &mut ready[..] };
        loop {
            match poll(polled, wait.as_ref()) {
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok((!ready[0].revents().is_empty(), !ready[1].revents().is_empty()))
    }
}
