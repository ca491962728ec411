//! Runs programs and reads their output, with limits on time and size.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use keyward_core::Secret;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Signal};

mod configured;
mod confine;

pub use configured::{check_configured, configured};
pub use confine::confine;

/// The number of bytes that a ready pipe accepts without blocking: the smallest `PIPE_BUF` that
/// POSIX allows.
const CHUNK: usize = 512;

/// The longest wait, 100 years. Adding it to the current time does not overflow.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// How a program ended, and its output.
#[derive(Debug)]
pub struct Answer {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its standard output.
    pub output: Secret,
    /// Its error output, if the caller requested it.
    pub errors: Secret,
}

/// Why a program gave no output.
#[derive(Debug)]
pub enum Failure {
    /// The program cannot be started.
    NotStarted(io::Error),
    /// It took too long and was killed.
    Late,
    /// It printed too much, and was killed.
    TooMuch,
    /// The operating system failed.
    Io(io::Error),
}

/// Runs a program, writes `input` to it, and returns its output of up to `largest` bytes.
///
/// The program must have read its input before it writes more than a pipe holds. It runs in a
/// separate process group: when `wait` is over, the whole group is killed. It cannot prompt on the
/// terminal. Its error output is dropped, because it may quote a secret. It is [confined](confine).
///
/// # Errors
/// A [`Failure`] if there is no output. A program that ends with an error status is not a failure.
///
/// # Examples
/// ```
/// use std::{process::Command, time::Duration};
///
/// use keyward_plugin::{Secret, process};
///
/// let mut cat = Command::new("cat");
/// let answer = process::ask(&mut cat, &Secret::from("hello"), 100, Duration::from_secs(5)).unwrap();
/// assert_eq!(answer.output.expose(), b"hello");
/// assert!(answer.status.success());
/// ```
pub fn ask(
    command: &mut Command,
    input: &Secret,
    largest: usize,
    wait: Duration,
) -> Result<Answer, Failure> {
    run(command.stderr(Stdio::null()), input, largest, wait)
}

/// Does the same as [`ask`], and also returns up to `largest` bytes of the error output.
///
/// # Errors
/// Those of [`ask`].
pub fn ask_with_errors(
    command: &mut Command,
    input: &Secret,
    largest: usize,
    wait: Duration,
) -> Result<Answer, Failure> {
    run(command.stderr(Stdio::piped()), input, largest, wait)
}

fn run(
    command: &mut Command,
    input: &Secret,
    largest: usize,
    wait: Duration,
) -> Result<Answer, Failure> {
    let deadline = Instant::now() + wait.min(LONGEST);
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    command.process_group(0).stdin(stdin).stdout(Stdio::piped());
    confine(command);
    let mut leader = command.spawn().map_err(Failure::NotStarted)?;
    let (stdin, stdout, stderr) = (leader.stdin.take(), leader.stdout.take(), leader.stderr.take());
    let group = Group { leader, ended: false };
    let answer = thread::scope(|scope| {
        // If there is an error, the group is killed before the scope waits for this thread.
        let mut group = group;
        let errors = stderr.map(|pipe| scope.spawn(move || read(pipe, largest, deadline)));
        if let Some(stdin) = stdin {
            write(stdin, input, deadline)?;
        }
        let output = stdout.map(|pipe| read(pipe, largest, deadline)).transpose()?;
        let status = group.wait(deadline)?;
        let errors = errors.map(|thread| thread.join().expect("reading does not panic"));
        Ok(Answer {
            status,
            output: output.unwrap_or_default(),
            errors: errors.transpose()?.unwrap_or_default(),
        })
    });
    answer.map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::TimedOut => Failure::Late,
        io::ErrorKind::InvalidData => Failure::TooMuch,
        _ => Failure::Io(error),
    })
}

/// Writes the input. If the program stops reading, its exit status says whether that is an error.
fn write(mut stdin: ChildStdin, input: &Secret, deadline: Instant) -> io::Result<()> {
    for chunk in input.expose().chunks(CHUNK) {
        wait_for(&stdin, PollFlags::OUT, deadline)?;
        match stdin.write_all(chunk) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
    }
    Ok(())
}

/// Reads everything that the program writes to a pipe.
fn read(pipe: impl Read + AsFd, largest: usize, deadline: Instant) -> io::Result<Secret> {
    Secret::read_from(UntilDeadline { pipe, deadline }, largest)
}

/// A pipe that is read until a deadline.
struct UntilDeadline<P> {
    pipe: P,
    deadline: Instant,
}

impl<P: Read + AsFd> Read for UntilDeadline<P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        wait_for(&self.pipe, PollFlags::IN, self.deadline)?;
        self.pipe.read(buffer)
    }
}

/// Waits until a pipe is ready. It is also ready if it has an error, which its next use returns.
fn wait_for(pipe: &impl AsFd, ready: PollFlags, deadline: Instant) -> io::Result<()> {
    let poll = || {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        rustix::event::poll(&mut [PollFd::new(pipe, ready)], Some(&left))
    };
    match rustix::io::retry_on_intr(poll)? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => Ok(()),
    }
}

/// The program and all processes that it started. If it is dropped before the program ends, they
/// are all killed.
struct Group {
    leader: Child,
    ended: bool,
}

impl Group {
    fn wait(&mut self, deadline: Instant) -> io::Result<ExitStatus> {
        let mut pause = Duration::from_micros(200);
        loop {
            if let Some(status) = self.leader.try_wait()? {
                self.ended = true;
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Err(io::ErrorKind::TimedOut.into());
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
        // Until the leader is waited for, no other group can get its number.
        if let Some(group) = Pid::from_raw(self.leader.id() as i32) {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        // A leader may have moved to another group, so it is killed and waited for separately.
        let _ = self.leader.kill();
        let _ = self.leader.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, input: &str, largest: usize) -> Result<Answer, Failure> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        ask(&mut command, &Secret::from(input), largest, Duration::from_secs(1))
    }

    #[test]
    fn a_program_gets_its_input_and_its_output_is_returned() {
        let long = "x".repeat(300_000);
        let answer = shell("cat >/dev/null; echo done >&2; echo out; exit 3", &long, 10).unwrap();
        assert_eq!((answer.output.expose(), answer.status.code()), (&b"out\n"[..], Some(3)));
        assert_eq!(shell("wc -c", &long, 10).unwrap().output.expose(), b"300000\n");
        assert_eq!(shell("cat", "", 10).unwrap().output.expose(), b"");
    }

    #[test]
    fn the_error_output_is_returned_if_it_is_asked_for() {
        let ask = |script| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            ask_with_errors(&mut command, &Secret::default(), 200_000, Duration::from_secs(5))
        };
        let answer = ask("head -c 150000 /dev/zero >&2; echo out; echo err >&2").unwrap();
        assert_eq!(answer.output.expose(), b"out\n");
        assert_eq!(answer.errors.len(), 150_004);
        assert!(answer.errors.expose().ends_with(b"err\n"));
        let started = Instant::now();
        assert!(matches!(ask("yes >&2"), Err(Failure::TooMuch | Failure::Late)));
        assert!(matches!(ask("exec >&-; sleep 60"), Err(Failure::Late)));
        assert!(started.elapsed() < Duration::from_secs(40));
        assert_eq!(shell("echo err >&2", "", 10).unwrap().errors.len(), 0);
    }

    #[test]
    fn a_program_need_not_read() {
        let long = "x".repeat(300_000);
        assert_eq!(shell("exec <&-; echo out", &long, 10).unwrap().output.expose(), b"out\n");
    }

    #[test]
    fn a_program_that_hangs_is_late() {
        let long = "x".repeat(300_000);
        for script in ["sleep 60", "exec >&-; sleep 60", "cat >/dev/null; echo a; sleep 60"] {
            let started = Instant::now();
            assert!(matches!(shell(script, &long, 10), Err(Failure::Late)), "{script}");
            assert!(started.elapsed() < Duration::from_secs(20), "{script}");
        }
    }

    #[test]
    fn too_much_output_is_an_error() {
        assert!(shell("printf 1234", "", 4).is_ok());
        assert!(matches!(shell("printf 12345", "", 4), Err(Failure::TooMuch)));
        assert!(matches!(shell("yes", "", 4), Err(Failure::TooMuch)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_inherits_only_the_standard_descriptors() {
        let open = std::fs::File::open("/").unwrap();
        // A descriptor without `O_CLOEXEC`, as a careless library leaves it.
        rustix::io::fcntl_setfd(&open, rustix::io::FdFlags::empty()).unwrap();
        let seen = shell("echo /proc/self/fd/*", "", 1000).unwrap().output;
        let seen: Vec<_> = seen.expose_str().unwrap().split_whitespace().collect();
        // The listing contains one more descriptor: that of the folder which is listed.
        let expected = ["0", "1", "2", "3"].map(|number| format!("/proc/self/fd/{number}"));
        assert_eq!(seen, expected, "{open:?} is open here");
    }

    #[test]
    fn a_program_that_is_not_there_is_not_started() {
        let failure = ask(&mut Command::new("/nowhere"), &Secret::default(), 1, Duration::MAX);
        assert!(matches!(failure, Err(Failure::NotStarted(_))));
    }
}
