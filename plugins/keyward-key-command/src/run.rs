//! One run of the program, bounded in time and in what it may print.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use keyward_plugin::{Error, ErrorKind, Result, Secret};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Signal};

/// More than any key or password needs.
const MAX_OUTPUT: usize = 64 << 10;

/// What the program prints, without the newline at its end.
pub(crate) fn output(
    argv: &[String],
    variables: &[(&str, Secret)],
    wait: Duration,
) -> Result<Secret> {
    let deadline = Instant::now() + wait;
    let (mut group, stdout) = Group::start(argv, variables)?;
    let printed = Secret::read_from(Patient { stdout, deadline }, MAX_OUTPUT);
    let mut secret = printed.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => {
            failed(ErrorKind::Refused, format!("{} printed more than {MAX_OUTPUT} bytes", argv[0]))
        }
        io::ErrorKind::TimedOut => late(&argv[0], wait),
        _ => Error::io("command", error),
    })?;
    let status = group.wait(deadline)?.ok_or_else(|| late(&argv[0], wait))?;
    check(status, &argv[0])?;
    if secret.expose().ends_with(b"\n") {
        secret.truncate(secret.len() - 1);
    }
    if secret.is_empty() {
        return Err(failed(ErrorKind::NoKey, format!("{} printed nothing", argv[0])));
    }
    Ok(secret)
}

/// The program and all that it started in turn. Dropped before its end, none of it survives.
struct Group {
    leader: Child,
    ended: bool,
}

impl Group {
    fn start(argv: &[String], variables: &[(&str, Secret)]) -> Result<(Self, ChildStdout)> {
        let mut command = Command::new(&argv[0]);
        command
            .args(&argv[1..])
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, OsStr::from_bytes(value.expose()))))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // What goes wrong in there may quote a secret.
            .stderr(Stdio::null())
            .process_group(0);
        let mut leader = command.spawn().map_err(|error| {
            let why = format!("{} cannot be started: {error}", argv[0]);
            Error::io("command", error).because(why)
        })?;
        let stdout = leader.stdout.take();
        let group = Self { leader, ended: false };
        let stdout = stdout.ok_or_else(|| Error::new(ErrorKind::Other, "command"))?;
        Ok((group, stdout))
    }

    /// How it ended; `None` if it has not by then.
    fn wait(&mut self, deadline: Instant) -> Result<Option<ExitStatus>> {
        let mut pause = Duration::from_micros(200);
        loop {
            let status = self.leader.try_wait().map_err(|error| Error::io("command", error))?;
            if status.is_some() {
                self.ended = true;
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // As long as nobody has waited for the leader, no other group can have its number.
        if let Some(group) = Pid::from_raw(self.leader.id() as i32) {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        // A leader may have gone over to another group; it is waited for all the same.
        let _ = self.leader.kill();
        let _ = self.leader.wait();
    }
}

/// Reads until a point in time and no longer.
struct Patient {
    stdout: ChildStdout,
    deadline: Instant,
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        let mut fds = [PollFd::new(&self.stdout, PollFlags::IN)];
        match rustix::event::poll(&mut fds, Some(&left))? {
            0 => Err(io::ErrorKind::TimedOut.into()),
            _ => self.stdout.read(buffer),
        }
    }
}

fn check(status: ExitStatus, program: &str) -> Result<()> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => {
            let hint = "Run it by hand to see why; here it has no terminal and no environment but \
                        the variables in `allow`";
            Err(failed(ErrorKind::NoKey, format!("{program} ended with exit status {code}"))
                .hint(hint))
        }
        (None, signal) => {
            let signal = signal.unwrap_or_default();
            Err(failed(ErrorKind::Unavailable, format!("{program} was ended by signal {signal}")))
        }
    }
}

fn late(program: &str, wait: Duration) -> Error {
    let message = format!("{program} was ended after {:.1} seconds", wait.as_secs_f64());
    failed(ErrorKind::Unavailable, message).hint("Raise `timeout` if it needs longer")
}

fn failed(kind: ErrorKind, message: String) -> Error {
    Error::new(kind, "command").because(message)
}
