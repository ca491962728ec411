//! One run of git, bounded in time and in what it may print.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use keyward_config::Environment;
use keyward_core::{Error, ErrorKind, Result, Secret};
use keyward_helper::git::{MAX_REQUEST, Reply};
use keyward_origin::Location;
use keyward_plugin::random;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Signal};

use super::question::lines;
use crate::GIT_ASKS;

/// What a pipe that is ready to be written takes at once (PIPE_BUF).
const CHUNK: usize = 4096;

/// git's plumbing for credentials, where there may be a terminal but nobody at it.
#[derive(Debug)]
pub(super) struct Git {
    pub(super) environment: Environment,
    /// The longest that git may take.
    pub(super) limit: Duration,
}

impl Git {
    /// What git's helpers answer; `None` if none of them has an answer.
    ///
    /// git ends in the same way whether no helper knew or one told it to quit. So there is one more
    /// helper, which git comes to only if no other knew, and which then says that.
    pub(super) fn fill(&self, asked: &Location) -> Result<Option<Secret>> {
        let mark = format!("{:032x}", u128::from_be_bytes(random()?));
        let last = format!("credential.helper=!f() {{ echo username=; echo password={mark}; }}; f");
        let input = lines(asked, &Reply::default())?;
        let answer = self.run("fill", &["-c", &last], asked, &input)?;
        let is_mark = |line: &[u8]| line.strip_prefix(b"password=") == Some(mark.as_bytes());
        let nobody_knew = answer.expose().split(|&byte| byte == b'\n').any(is_mark);
        Ok(Some(answer).filter(|_| !nobody_knew))
    }

    /// Tells the helpers that this was accepted.
    pub(super) fn approve(&self, location: &Location, credential: &Reply) -> Result<()> {
        self.run("approve", &[], location, &lines(location, credential)?).map(drop)
    }

    /// Tells the helpers that whatever this account has was refused.
    pub(super) fn reject(&self, location: &Location, username: Option<Secret>) -> Result<()> {
        let account = Reply { username, ..Reply::default() };
        self.run("reject", &[], location, &lines(location, &account)?).map(drop)
    }

    fn run(
        &self,
        operation: &str,
        options: &[&str],
        location: &Location,
        input: &Secret,
    ) -> Result<Secret> {
        let deadline = Instant::now() + self.limit;
        let mut command = self.command();
        if location.path().is_some() {
            command.args(["-c", "credential.useHttpPath=true"]);
        }
        command.args(options).args(["credential", operation]);
        let mut group = Group::start(command)?;
        let answer = group.exchange(input, deadline).map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => self.late(),
            io::ErrorKind::InvalidData => failed("git printed too much"),
            _ => Error::io("ask git", error),
        })?;
        let Some(status) = group.wait(deadline)? else { return Err(self.late()) };
        if status.success() {
            return Ok(answer);
        }
        let why = format!("`git credential {operation}` failed: {status}");
        Err(failed(why).hint(format!("Run `git credential {operation}` by hand to see why.")))
    }

    /// git, as it is outside of any repository, asking nobody.
    fn command(&self) -> Command {
        let mut command = Command::new("git");
        if let Some(variables) = self.environment.given() {
            command.env_clear().envs(variables);
        }
        command
            .env(GIT_ASKS, "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            // Set, but to nothing: git looks no further.
            .env("GIT_ASKPASS", "")
            .env("SSH_ASKPASS", "")
            .env_remove("GIT_DIR")
            .env_remove("GIT_COMMON_DIR")
            .current_dir("/")
            .args(["-c", "credential.interactive=false"]);
        command
    }

    fn late(&self) -> Error {
        failed(format!("git was ended after {:.1} seconds", self.limit.as_secs_f64()))
    }
}

/// git and all that it started in turn. Dropped before git's end, none of it survives.
struct Group {
    leader: Child,
    ended: bool,
}

impl Group {
    fn start(mut command: Command) -> Result<Self> {
        command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What goes wrong in there may quote a secret.
            .stderr(Stdio::null());
        let leader = command.spawn().map_err(|error| {
            let why = format!("git cannot be started: {error}");
            failed(why).caused_by(error)
        })?;
        Ok(Self { leader, ended: false })
    }

    /// Writes all of the input, and reads all of what is printed then.
    fn exchange(&mut self, input: &Secret, deadline: Instant) -> io::Result<Secret> {
        if let Some(mut stdin) = self.leader.stdin.take() {
            for chunk in input.expose().chunks(CHUNK) {
                wait_for(&stdin, PollFlags::OUT, deadline)?;
                match stdin.write_all(chunk) {
                    // How it ended says more.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                    written => written?,
                }
            }
        }
        match self.leader.stdout.take() {
            Some(stdout) => Secret::read_from(Patient { stdout, deadline }, MAX_REQUEST),
            None => Ok(Secret::default()),
        }
    }

    /// How it ended; `None` if it has not by then.
    fn wait(&mut self, deadline: Instant) -> Result<Option<ExitStatus>> {
        let mut pause = Duration::from_micros(200);
        loop {
            let status = self.leader.try_wait().map_err(|error| Error::io("ask git", error))?;
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
        let _ = self.leader.kill();
        let _ = self.leader.wait();
    }
}

/// Reads until a point in time and no longer.
struct Patient<R> {
    stdout: R,
    deadline: Instant,
}

impl<R: Read + AsFd> Read for Patient<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        wait_for(&self.stdout, PollFlags::IN, self.deadline)?;
        self.stdout.read(buffer)
    }
}

fn wait_for(pipe: &impl AsFd, ready: PollFlags, deadline: Instant) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
    match rustix::event::poll(&mut [PollFd::new(pipe, ready)], Some(&left))? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => Ok(()),
    }
}

fn failed(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, "ask").in_backend(super::NAME).because(why)
}
