//! Watches the program until its end.

use std::ffi::c_int;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use keyward_core::{Error, Result};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use crate::stop::{Outcome, Stop};
use crate::terminal;

/// The exit status if the program is not found, and if it cannot be run, as in shells.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;

/// The signal that came before the program started, or 0.
static PENDING: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// Holds back the signals that would end this process, so that they leave no file behind.
/// [`Watch::new`] looks for them.
pub(super) fn hold_signals() -> Result<()> {
    for signal in not_ignored(&[SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM]) {
        let number = usize::try_from(signal).unwrap_or_default();
        signal_hook::flag::register_usize(signal, Arc::clone(&PENDING), number)
            .map_err(|error| Error::io("run", error))?;
    }
    Ok(())
}

/// Returns those of the signals that this process does not ignore. What it ignores, as under `nohup`,
/// the program ignores too.
fn not_ignored(signals: &[c_int]) -> Vec<c_int> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    signals.iter().copied().filter(|signal| ignored >> (signal - 1) & 1 == 0).collect()
}

/// The signals that this process gets while the program runs.
#[derive(Debug)]
pub(super) struct Watch {
    signals: Signals,
    theirs: Vec<c_int>,
}

impl Watch {
    /// Watches for signals from now on: before the program starts, so that none is lost. The program
    /// gets the first ones, besides those that only users send.
    ///
    /// # Errors
    /// [`Stop::Ended`] if a signal came before.
    pub(super) fn new(theirs: &[c_int], ours: &[c_int]) -> Outcome<Self> {
        let theirs = [theirs, &[SIGALRM, SIGUSR1, SIGUSR2]].concat();
        terminal::leave_signals();
        let all = not_ignored(&[&theirs[..], ours].concat());
        let signals = Signals::new([&all[..], &[SIGCHLD]].concat());
        let signals = signals.map_err(|error| Error::io("run", error))?;
        match u8::try_from(PENDING.load(Ordering::SeqCst)) {
            Ok(0) | Err(_) => Ok(Self { signals, theirs }),
            Ok(signal) => Err(Stop::Ended(128 + signal)),
        }
    }

    /// Waits for the program's end, and returns its exit status. Passes its signals on, and calls
    /// `handle` for the others.
    pub(super) fn wait(&mut self, child: &mut Child, mut handle: impl FnMut(c_int)) -> Outcome<u8> {
        for signal in self.signals.forever() {
            if let Some(status) = child.try_wait().map_err(|error| Error::io("run", error))? {
                return Ok(code(status));
            }
            if !self.theirs.contains(&signal) {
                handle(signal);
            } else if let Some(signal) = Signal::from_named_raw(signal) {
                // It is not waited for yet, so its number is not another process's.
                let _ = kill_process(Pid::from_child(child), signal);
            }
        }
        unreachable!("the signals never end")
    }
}

/// Returns the exit status as shells return it: 128 and the number of the signal, if there was one.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    u8::try_from(code).unwrap_or(1)
}

/// Returns the failure to start the program.
pub(super) fn not_started(command: &Command, error: &io::Error) -> Stop {
    let program = command.get_program().to_string_lossy();
    let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_RUN };
    Stop::Code(code, format!("error: {}: {error}", crate::output::escaped(&program)))
}
