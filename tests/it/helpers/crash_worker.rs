//! A worker that is going to be killed, and what it acknowledged until then.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// The worker's program.
pub(crate) const WORKER: &str = env!("CARGO_BIN_EXE_worker");

/// A running writer, killed at the latest when dropped.
#[derive(Debug)]
pub(crate) struct CrashWorker {
    child: Child,
    /// One more than the last number it acknowledged, or 0.
    acknowledged: Arc<AtomicU64>,
    listener: Option<JoinHandle<()>>,
}

impl CrashWorker {
    /// Starts a writer and waits until it is about to work.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        let acknowledged = Arc::new(AtomicU64::new(0));
        let heard = Arc::clone(&acknowledged);
        Self { child, acknowledged, listener: Some(spawn(move || listen(lines, &heard))) }
    }

    /// The last number that it acknowledged until now.
    pub(crate) fn acknowledged(&self) -> Option<u64> {
        self.acknowledged.load(Ordering::SeqCst).checked_sub(1)
    }

    /// Lets it finish the system call it is in, and do nothing more.
    pub(crate) fn stop(&self) {
        let id = self.child.id();
        kill_process(Pid::from_child(&self.child), Signal::STOP).unwrap();
        let stopped = || {
            let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
            status.rsplit(')').next().unwrap().starts_with(" T")
        };
        while !stopped() {
            sleep(Duration::from_micros(100));
        }
    }

    /// Kills it, and returns the last number that it acknowledged.
    pub(crate) fn kill(mut self) -> Option<u64> {
        self.child.kill().unwrap();
        self.listener.take().unwrap().join().unwrap();
        self.acknowledged()
    }
}

impl Drop for CrashWorker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(lines: Lines<BufReader<ChildStdout>>, heard: &AtomicU64) {
    for line in lines {
        heard.store(line.unwrap().parse::<u64>().unwrap() + 1, Ordering::SeqCst);
    }
}
