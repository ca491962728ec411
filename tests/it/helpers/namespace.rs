//! A mount namespace: what is mounted in it vanishes with it, however the test ends. It needs root.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::helpers::home::clean_environment;
use crate::helpers::invocation::Invocation;

/// A mount namespace, held by a process that ends when its standard input does.
#[derive(Debug)]
pub(crate) struct Namespace {
    holder: Child,
    input: Option<ChildStdin>,
}

impl Namespace {
    pub(crate) fn new() -> Self {
        let mut holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", "echo; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare is installed (util-linux)");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "\n", "only root can mount; run these tests as root");
        let input = holder.stdin.take();
        Self { holder, input }
    }

    /// `program`, ready to start in the namespace, with this home.
    pub(crate) fn command(&self, home: &Path, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        clean_environment(&mut command, home);
        command.arg("--target").arg(self.holder.id().to_string()).args(["--mount", "--"]);
        command.arg(program);
        command
    }

    /// Runs a command line, which must succeed, in the namespace. Words are split at blanks.
    pub(crate) fn run(&self, line: &str) -> String {
        let mut words = line.split_whitespace();
        let command = self.command(Path::new("/"), Path::new(words.next().unwrap()));
        Invocation::from(command).args(words).run().ends(0).into_text()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.holder.wait();
    }
}
