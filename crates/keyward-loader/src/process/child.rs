//! Starts a child process, passes its error output on, and reports how it ended.

use std::io::{self, PipeReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{self, ChildStderr, ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use keyward_core::{Error, ErrorKind, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use super::Command;

/// The longest line of a child's error output that is passed on, in bytes.
pub(super) const MAX_LINE: usize = 1024;

/// How long to wait for the rest of a child's error output after the child has ended.
const STDERR_DRAIN: Duration = Duration::from_millis(200);

/// A child that was started. It is always reaped, and only [`kill`](Self::kill) kills it.
#[derive(Debug)]
pub(super) struct Child(Arc<ExitState>);

/// This side's ends of the child's pipes.
#[derive(Debug)]
pub(super) struct Pipes {
    pub(super) input: ChildStdin,
    pub(super) output: ChildStdout,
    /// Closed when the child has ended.
    pub(super) ended: PipeReader,
}

#[derive(Debug)]
struct ExitState {
    pid: Pid,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Whether another process may have its process id by now.
    reaped: bool,
    /// How it ended, and its last line of error output.
    verdict: Option<String>,
}

impl Child {
    /// Starts the program. Each line of its error output goes to `tell`.
    pub(super) fn start(
        command: &Command,
        tell: impl Fn(&[u8]) + Send + 'static,
    ) -> Result<(Self, Pipes)> {
        if !command.path.is_absolute() {
            return Err(Error::invalid("run", "the program's path is not absolute"));
        }
        let mut start = process::Command::new(command.executable());
        start
            .arg0(&command.path)
            .args(&command.arguments)
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, value) in &command.environment {
            let value = value
                .expose_str()
                .ok_or_else(|| Error::invalid("run", format!("the variable {name} is not text")))?;
            start.env(name, value);
        }
        keyward_plugin::process::confine(&mut start);
        let verified = command.verified.clone();
        let (started, answer) = mpsc::sync_channel(1);
        let (ended, not_ended) = io::pipe().map_err(|error| Error::io("run", error))?;
        // A child is killed when the thread that started it ends. So that thread waits until the
        // child has ended.
        let reaper = thread::Builder::new().name("keyward-child".into());
        let reaping = reaper.spawn(move || {
            let spawned = start.spawn();
            // The verified file must stay open until here. The environment contains secrets, so it
            // is dropped here.
            drop((verified, start));
            reap(spawned, &started, tell);
            drop(not_ended);
        });
        reaping.map_err(|error| Error::io("run", error))?;
        let (state, input, output) = answer
            .recv()
            .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
            .map_err(|error| Error::new(ErrorKind::Unavailable, "run").caused_by(error))?;
        Ok((Self(state), Pipes { input, output, ended }))
    }

    /// Kills it, with its process group.
    pub(super) fn kill(&self) {
        self.0.kill();
    }

    /// Whether it has ended, even if another process still has its pipes.
    pub(super) fn is_over(&self) -> bool {
        self.0.state().reaped
    }

    /// Returns how it ended. It waits at most this long.
    pub(super) fn verdict(&self, wait: Duration) -> Option<String> {
        let state = self.0.state();
        let waited = self.0.ended.wait_timeout_while(state, wait, |state| state.verdict.is_none());
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.verdict.clone()
    }
}

impl ExitState {
    fn kill(&self) {
        let state = self.state();
        if !state.reaped {
            let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
            let _ = rustix::process::kill_process(self.pid, Signal::KILL);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the child's end, and reaps it.
fn reap(
    spawned: io::Result<process::Child>,
    started: &mpsc::SyncSender<io::Result<(Arc<ExitState>, ChildStdin, ChildStdout)>>,
    tell: impl Fn(&[u8]) + Send + 'static,
) {
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return started.send(Err(error)).unwrap_or_default(),
    };
    let taken = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let ((Some(input), Some(output), Some(errors)), Some(pid)) =
        (taken, Pid::from_raw(child.id() as i32))
    else {
        unreachable!("all three are pipes, and a child has a number")
    };
    let exit = Arc::new(ExitState { pid, state: Mutex::default(), ended: Condvar::new() });
    let _ = started.send(Ok((exit.clone(), input, output)));
    let (spoken, last_line) = mpsc::sync_channel(1);
    let listener = thread::Builder::new().name("keyward-child-errors".into());
    let _ = listener.spawn(move || spoken.send(listen(errors, tell)));

    // Until the child is reaped, no other process group can have its id.
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let _ = rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::Pid(pid), ended));
    exit.kill();
    let status = {
        let mut state = exit.state();
        state.reaped = true;
        child.wait()
    };
    let last_line = last_line.recv_timeout(STDERR_DRAIN).unwrap_or_default();
    exit.state().verdict = Some(verdict(status.ok(), &last_line));
    exit.ended.notify_all();
}

/// Passes error output on, line by line, and returns the last line. An indented line, such as a
/// hint, is part of the line before it.
fn listen(mut errors: ChildStderr, tell: impl Fn(&[u8])) -> Vec<u8> {
    let (mut line, mut last) = (Vec::new(), Vec::new());
    let mut say = |line: &[u8]| {
        tell(line);
        if last.is_empty() || !line.starts_with(b" ") {
            last = line.to_vec();
        }
    };
    let mut chunk = [0; 4096];
    loop {
        let read = match errors.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => break,
            Ok(read) => &chunk[..read],
        };
        for piece in read.split_inclusive(|byte| *byte == b'\n') {
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            line.extend_from_slice(&text[..text.len().min(MAX_LINE - line.len())]);
            if text.len() < piece.len() {
                if !line.is_empty() {
                    say(&line);
                }
                line.clear();
            }
        }
    }
    if !line.is_empty() {
        say(&line);
    }
    last
}

/// Describes how a child ended, with its last line of error output.
fn verdict(status: Option<ExitStatus>, last_line: &[u8]) -> String {
    let ended = match status.map(|status| (status.code(), status.signal())) {
        Some((_, Some(signal))) => format!("ended with signal {signal}"),
        Some((Some(code), _)) => format!("ended with exit code {code}"),
        _ => "ended".to_owned(),
    };
    if last_line.is_empty() {
        return ended;
    }
    let last_line =
        keyward_wire::message::failure::escape_text(&String::from_utf8_lossy(last_line));
    format!("{ended}; its last message was: {last_line}")
}
