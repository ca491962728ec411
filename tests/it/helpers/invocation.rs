//! A program that a test runs, and its result.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// A program that is ready to run. Its standard input is empty unless [`Invocation::input`] says
/// otherwise.
#[derive(Debug)]
pub(crate) struct Invocation {
    command: Command,
    input: Option<Vec<u8>>,
}

impl From<Command> for Invocation {
    fn from(mut command: Command) -> Self {
        command.stdin(Stdio::null());
        Self { command, input: None }
    }
}

impl Invocation {
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn current_dir(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Sets what the program reads on standard input.
    pub(crate) fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = Some(bytes.as_ref().to_vec());
        self.command.stdin(Stdio::piped());
        self
    }

    /// Runs the program and waits for its end.
    pub(crate) fn run(mut self) -> Finished {
        let piped = self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let writer = child.stdin.take().zip(self.input).map(|(mut pipe, bytes)| {
            // A program that needs no input closes the pipe.
            std::thread::spawn(move || drop(pipe.write_all(&bytes)))
        });
        let output = child.wait_with_output().unwrap();
        drop(writer.map(std::thread::JoinHandle::join));
        Finished {
            line: format!("{:?}", self.command),
            code: output.status.code().unwrap_or(-1),
            out: output.stdout,
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The result of a program that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    line: String,
    /// The exit code; -1 if a signal ended the program.
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Finished {
    /// The program ended with this code, and did not panic.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        let (line, err) = (&self.line, &self.err);
        assert_eq!(self.code, code, "{line}\n{}{err}", String::from_utf8_lossy(&self.out));
        assert!(!err.contains("fault in keyward"), "{line}\n{err}");
        self
    }

    /// The program printed exactly this on standard output.
    #[track_caller]
    pub(crate) fn prints(self, expected: impl AsRef<[u8]>) -> Self {
        let expected = expected.as_ref();
        assert!(
            self.out == expected,
            "{}\nprinted  {}\nnot      {}\n{}",
            self.line,
            self.out.escape_ascii(),
            expected.escape_ascii(),
            self.err
        );
        self
    }

    /// Standard error contains these words.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        let (line, err) = (&self.line, &self.err);
        assert!(err.contains(words), "{line}\nstandard error lacks `{words}`:\n{err}");
        self
    }

    /// Standard error is empty.
    #[track_caller]
    pub(crate) fn says_nothing(self) -> Self {
        assert_eq!(self.err, "", "{}", self.line);
        self
    }

    /// Standard output, which must be UTF-8.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }

    /// Standard output, which must be UTF-8.
    pub(crate) fn into_text(self) -> String {
        String::from_utf8(self.out).unwrap()
    }

    /// The JSON objects on standard output, one on each line.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
