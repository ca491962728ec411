//! The pipe to a child's standard input.

use std::ops::Deref;
use std::process::ChildStdin;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyward_core::{Error, Result};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use super::clock::Clock;

/// How long a thread waits for the pipe before it checks whether the pipe was closed.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The pipe. Many threads write frames to it, one at a time, and none waits longer than its time.
#[derive(Debug)]
pub(super) struct Input {
    state: Mutex<State>,
    free: Condvar,
}

#[derive(Debug)]
struct State {
    /// `None` while a thread writes, and after the pipe was closed.
    pipe: Option<ChildStdin>,
    is_closed: bool,
}

/// Why a frame was not written.
#[derive(Debug)]
pub(super) enum NotWritten {
    /// This side has closed the pipe.
    Closed,
    /// The caller's time was over before a byte was written.
    CallerGaveUp,
    /// The child has not read for too long.
    NotRead,
    /// The child has closed its end.
    Broken,
}

impl Input {
    pub(super) fn new(pipe: ChildStdin) -> Result<Self> {
        let nonblocking = rustix::io::ioctl_fionbio(&pipe, true);
        nonblocking.map_err(|error| Error::io("run", error.into()))?;
        let state = State { pipe: Some(pipe), is_closed: false };
        Ok(Self { state: Mutex::new(state), free: Condvar::new() })
    }

    /// Writes a frame. A caller that gives up does so only before the first byte: a frame that was
    /// begun must be finished.
    pub(super) fn write(
        &self,
        frame: &[u8],
        clock: &Clock,
        hard_limit: Duration,
    ) -> Result<(), NotWritten> {
        let pipe = self.take(clock, hard_limit)?;
        let mut rest = frame;
        while !rest.is_empty() {
            match rustix::io::write(&*pipe, rest) {
                Ok(written) => rest = &rest[written..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let may_give_up = rest.len() == frame.len();
                    wait_until_writable(&pipe, time_to_wait(clock, hard_limit, may_give_up)?);
                    if self.state().is_closed {
                        return Err(NotWritten::Closed);
                    }
                }
                Err(_) => return Err(NotWritten::Broken),
            }
        }
        Ok(())
    }

    /// Closes the pipe: at once, or when the thread that writes to it is done.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.pipe = None;
        self.free.notify_all();
    }

    /// Waits until no other thread writes, and takes the pipe.
    fn take(&self, clock: &Clock, hard_limit: Duration) -> Result<Taken<'_>, NotWritten> {
        let mut state = self.state();
        loop {
            if state.is_closed {
                return Err(NotWritten::Closed);
            }
            if let Some(pipe) = state.pipe.take() {
                return Ok(Taken { input: self, pipe: Some(pipe) });
            }
            let wait = time_to_wait(clock, hard_limit, true)?;
            let waited = self.free.wait_timeout(state, wait);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pipe, taken from an [`Input`] and given back when this is dropped.
#[derive(Debug)]
struct Taken<'a> {
    input: &'a Input,
    pipe: Option<ChildStdin>,
}

impl Deref for Taken<'_> {
    type Target = ChildStdin;

    fn deref(&self) -> &ChildStdin {
        self.pipe.as_ref().expect("only `drop` takes it")
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut state = self.input.state();
        if !state.is_closed {
            state.pipe = self.pipe.take();
        }
        self.input.free.notify_one();
    }
}

/// How long to wait before the next look.
fn time_to_wait(
    clock: &Clock,
    hard_limit: Duration,
    may_give_up: bool,
) -> Result<Duration, NotWritten> {
    let left = if may_give_up && clock.gives_up {
        clock.left().ok_or(NotWritten::CallerGaveUp)?
    } else {
        clock.left_of(hard_limit).ok_or(NotWritten::NotRead)?
    };
    Ok(left.min(POLL_INTERVAL))
}

/// An error shows at the next write.
fn wait_until_writable(pipe: &ChildStdin, wait: Duration) {
    let wait = Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() };
    let _ = rustix::event::poll(&mut [PollFd::new(pipe, PollFlags::OUT)], Some(&wait));
}
