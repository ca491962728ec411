//! Sees to it that somebody reads while a call takes its time.
//!
//! Whoever reads a call does it, and reads on afterwards: short calls, one after the other, cost no
//! change of threads. Only a call that lasts lets the watch find that nobody reads.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

/// How long a call may keep others waiting.
const TICK: Duration = Duration::from_millis(1);

/// After so many quiet ticks the watch sleeps until there is a call.
const QUIET: u32 = 50;

/// When calls began, and who watches.
#[derive(Debug, Default)]
pub(super) struct Watch {
    begun: AtomicU64,
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Watch {
    /// A call begins, or goes on with what it waited for.
    pub(super) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.wake();
    }

    /// Lets the watch look.
    pub(super) fn wake(&self) {
        if self.asleep.load(Ordering::SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// Watches until all is over: whenever one call lasts a whole tick and nobody reads, somebody
    /// is hired to.
    pub(super) fn watch(
        &self,
        is_over: impl Fn() -> bool,
        is_unread: impl Fn() -> bool,
        hire: impl Fn(),
    ) {
        self.thread.get_or_init(thread::current);
        let mut quiet = 0;
        while !is_over() {
            let seen = self.begun.load(Ordering::SeqCst);
            thread::sleep(TICK);
            let same = || self.begun.load(Ordering::SeqCst) == seen;
            quiet = if same() { quiet + 1 } else { 0 };
            if quiet > 0 && is_unread() {
                hire();
            } else if quiet > QUIET {
                self.asleep.store(true, Ordering::SeqCst);
                if same() && !is_over() {
                    thread::park();
                }
                self.asleep.store(false, Ordering::SeqCst);
                quiet = 0;
            }
        }
    }
}
