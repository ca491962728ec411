//! The pipe to a child, which one thread at a time writes to.

use std::ops::Deref;
use std::process::ChildStdin;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The pipe. Whoever has it may have it for long, where the child does not read; so nobody has to wait for it
/// longer than they have time.
#[derive(Debug)]
pub(super) struct Input {
    state: Mutex<State>,
    free: Condvar,
}

#[derive(Debug)]
struct State {
    /// Here, unless somebody writes or it is closed.
    pipe: Option<ChildStdin>,
    closed: bool,
    waiting: usize,
}

impl Input {
    pub(super) fn new(pipe: ChildStdin) -> Self {
        let state = State { pipe: Some(pipe), closed: false, waiting: 0 };
        Self { state: Mutex::new(state), free: Condvar::new() }
    }

    /// The pipe, if it is free within this time.
    pub(super) fn take(&self, wait: Duration) -> Option<Taken<'_>> {
        let mut state = self.state();
        if state.is_taken() && !wait.is_zero() {
            state.waiting += 1;
            let waited = self.free.wait_timeout_while(state, wait, |state| state.is_taken());
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        state.pipe.take().map(|pipe| Taken { input: self, pipe: Some(pipe) })
    }

    /// Closes the pipe, as soon as nobody writes any more.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.pipe = None;
        self.free.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_taken(&self) -> bool {
        self.pipe.is_none() && !self.closed
    }
}

/// The pipe, until this is dropped.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    input: &'a Input,
    pipe: Option<ChildStdin>,
}

impl Deref for Taken<'_> {
    type Target = ChildStdin;

    fn deref(&self) -> &ChildStdin {
        self.pipe.as_ref().expect("it is here until it is given back")
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut state = self.input.state();
        if !state.closed {
            state.pipe = self.pipe.take();
        }
        if state.waiting > 0 {
            self.input.free.notify_one();
        }
    }
}
