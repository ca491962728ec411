//! A user of git, with scripted answers to prompts.

use std::cell::RefCell;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::request::Request;
use super::server::GitServer;
use super::transcript;
use crate::helpers::home::Home;
use crate::helpers::invocation::{Finished, Invocation};
use crate::helpers::program::keyward;

/// The search path for git and the programs that it starts.
pub(super) const PROGRAMS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The author of commits, so that commits are the same each time.
pub(super) const AUTHOR: [(&str, &str); 6] = [
    ("GIT_AUTHOR_NAME", "Ann"),
    ("GIT_AUTHOR_EMAIL", "ann@git.example"),
    ("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z"),
    ("GIT_COMMITTER_NAME", "Ann"),
    ("GIT_COMMITTER_EMAIL", "ann@git.example"),
    ("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z"),
];

/// Keyward as a helper, whose input and output are recorded under the name `keyward`.
pub(super) const KEYWARD: &str = "~/tap keyward KEYWARD helper git --store git";

/// The same, without recording.
pub(super) const UNHEARD: &str = "KEYWARD helper git --store git";

/// The time limit of each command, in seconds.
const PATIENCE: &str = "60";

/// A home with git in it, and Keyward as git's credential helper.
pub(super) struct Client<'a> {
    pub(super) home: Home,
    git_server: Option<&'a GitServer>,
    transcript: RefCell<String>,
    requests: RefCell<Vec<Request>>,
    names: RefCell<Vec<(String, &'static str)>>,
}

impl<'a> Client<'a> {
    /// A user whose credentials Keyward keeps in the store `git`.
    pub(super) fn new(git_server: &'a GitServer) -> Self {
        let home = Home::in_memory();
        home.init("git", "file", "aes-gcm");
        Self::in_home(home, Some(git_server))
    }

    /// A user with this home, which may contain the store `git` or not.
    pub(super) fn in_home(home: Home, git_server: Option<&'a GitServer>) -> Self {
        super::version();
        let client = Self {
            home,
            git_server,
            transcript: RefCell::default(),
            requests: RefCell::default(),
            names: RefCell::default(),
        };
        client
            .names
            .borrow_mut()
            .extend(git_server.iter().flat_map(|git_server| git_server.names()));
        client.write_program("tap", include_str!("tap.sh"));
        client.write_program("askpass", include_str!("askpass.sh"));
        client.will_answer(&[]);
        client.has_helpers(&[KEYWARD]);
        client
    }

    /// Git asks these helpers, one after the other.
    pub(super) fn has_helpers(&self, helpers: &[&str]) {
        let mut config = self.git_server.map(GitServer::git_config).unwrap_or_default();
        config += "[credential]\n";
        for helper in helpers {
            let helper = helper.replace("KEYWARD", &format!("'{}'", keyward().display()));
            writeln!(config, "\thelper = \"!{helper}\"").unwrap();
        }
        fs::write(self.path(".gitconfig"), config).unwrap();
    }

    /// Writes a program into the home.
    pub(super) fn write_program(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o700)).unwrap();
    }

    /// Sets the answers to git's next prompts.
    pub(super) fn will_answer(&self, answers: &[&str]) {
        let lines: String = answers.iter().map(|answer| format!("{answer}\n")).collect();
        fs::write(self.path("answers"), lines).unwrap();
    }

    /// Runs git and records what happened.
    pub(super) fn git(&self, arguments: &[&str]) -> Finished {
        self.record(arguments, "")
    }

    /// Runs `git credential` with this on its standard input, and records what happened.
    pub(super) fn credential(&self, operation: &str, input: &str) -> Finished {
        self.record(&["credential", operation], input)
    }

    fn record(&self, arguments: &[&str], input: &str) -> Finished {
        let ran = self.call(arguments).input(input).run();
        let mut transcript = self.transcript.borrow_mut();
        writeln!(transcript, "\n$ git {}", arguments.join(" ")).unwrap();
        let mut lines = |mark: &str, text: &str| {
            text.lines().for_each(|line| writeln!(transcript, "{mark}{line}").unwrap());
        };
        lines("  > ", input);
        lines("", &self.happened());
        for request in self.git_server.iter().flat_map(|git_server| git_server.heard()) {
            lines("", &request.to_string());
            self.requests.borrow_mut().push(request);
        }
        if arguments[0] == "credential" {
            lines("  < ", ran.text());
        }
        writeln!(transcript, "exit {}", ran.code).unwrap();
        ran
    }

    /// Runs git, which must succeed, and does not record what happened.
    pub(super) fn prepare(&self, arguments: &[&str]) {
        self.call(arguments).run().ends(0);
        self.happened();
        self.git_server.map(GitServer::heard);
    }

    /// Returns what helpers and the user said since the last call.
    fn happened(&self) -> String {
        let path = self.path("happened");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(path);
        text
    }

    /// Sets the name that the transcript uses for a value that differs each time.
    pub(super) fn names(&self, what: impl ToString, name: &'static str) {
        self.names.borrow_mut().push((what.to_string(), name));
    }

    /// Returns the credentials that the host of this address got, from the record.
    pub(super) fn given_to(&self, address: &str) -> Vec<String> {
        let requests = self.requests.borrow();
        let there = requests.iter().filter(|r| address.starts_with(&format!("{}/", r.origin)));
        there.filter_map(|request| request.authorization.clone()).collect()
    }

    /// Git, ready to run: without a terminal, and with a time limit.
    pub(super) fn call(&self, arguments: &[&str]) -> Invocation {
        let mut command = self.home.command("setsid");
        command.args(["--wait", "timeout", "--signal", "KILL", PATIENCE, "git"]).args(arguments);
        Invocation::from(self.set_up(command))
    }

    /// Runs Keyward, which must succeed, and records that it was run.
    pub(super) fn keyward(&self, arguments: &[&str]) {
        self.home.run_ok(arguments);
        writeln!(self.transcript.borrow_mut(), "\n$ keyward {}", arguments.join(" ")).unwrap();
    }

    /// Runs a program as git would.
    pub(super) fn run(&self, program: &Path, arguments: &[&str]) -> Finished {
        let mut command = self.home.command("setsid");
        command.arg("--wait").arg(program).args(arguments);
        Invocation::from(self.set_up(command)).run()
    }

    /// Sets the environment in which git runs.
    fn set_up(&self, mut command: Command) -> Command {
        command
            .current_dir(self.home.folder())
            .env("PATH", format!("{}:{PROGRAMS}", self.path("bin").display()))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", self.path("askpass"))
            .env("LC_ALL", "C.UTF-8")
            .envs(AUTHOR);
        command
    }

    /// Checks that what happened agrees with the transcript of this name.
    #[track_caller]
    pub(super) fn agrees_with(&self, name: &str, title: &str) {
        let mut text = self.transcript.borrow().clone();
        self.names(self.home.folder().display(), "~");
        for (from, to) in self.names.borrow().iter() {
            text = text.replace(from, to);
        }
        transcript::compare(name, title, &without_marks(&text));
    }

    /// Returns the text of a file in the home.
    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.home.path(name)
    }
}

/// Replaces Keyward's `state[]`, which depends on the port.
fn without_marks(text: &str) -> String {
    const STATE: &str = "state[]=keyward:";
    let line = |line: &str| match line.split_once(STATE) {
        Some((before, _)) => format!("{before}{STATE}MARK\n"),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}
