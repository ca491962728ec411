//! Git, the program.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use keyward_core::{Error, ErrorKind, Result, Secret};
use keyward_plugin::process::Answer;

use crate::helper::Helper;
use crate::run::run;

/// The variable whose values are git's credential helpers.
const KEY: &str = "credential.helper";

/// The first version whose `git config` has `--fixed-value`.
const OLDEST: (u32, u32) = (2, 30);

/// The first version to which helpers can give more than usernames and passwords.
const AUTHTYPE: (u32, u32) = (2, 46);

/// How long git may run. It waits for the helper that it asks.
const LIMIT: Duration = Duration::from_secs(20);

/// The git that is installed.
#[derive(Debug)]
pub struct Git {
    /// Its version, such as `2.47.3`.
    pub version: String,
    numbers: (u32, u32),
    limit: Duration,
}

impl Git {
    /// Finds git, and checks that it is new enough.
    ///
    /// # Errors
    /// - [`Unavailable`](ErrorKind::Unavailable): git is not installed.
    /// - [`Unsupported`](ErrorKind::Unsupported): it is too old.
    pub fn find() -> Result<Self> {
        let mut command = Command::new("git");
        let answer = run(without_config(&mut command).arg("version"), &Secret::default(), LIMIT)?;
        Self::from_version(answer.output.expose_str().unwrap_or_default())
    }

    /// Reads the output of `git version`.
    fn from_version(version: &str) -> Result<Self> {
        let version = version.split_whitespace().nth(2).unwrap_or_default().to_owned();
        let mut numbers = version.split('.').map_while(|number| number.parse().ok());
        let numbers = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if numbers < OLDEST {
            let (major, minor) = OLDEST;
            return Err(Error::new(ErrorKind::Unsupported, "setup")
                .because(format!("`keyward setup git` needs git {major}.{minor} or newer")));
        }
        Ok(Self { version, numbers, limit: LIMIT })
    }

    /// Returns the same git, which may run as long as `limit`.
    #[must_use]
    pub fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Whether helpers can give it tokens for schemes such as Bearer.
    pub fn knows_authtype(&self) -> bool {
        self.numbers >= AUTHTYPE
    }

    /// Returns git with these arguments, set up so that it never prompts.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(["-c", "core.askPass="])
            .args(arguments)
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "")
            // Only `git config` reads this variable.
            .env_remove("GIT_CONFIG");
        command
    }

    pub(crate) fn run(&self, command: &mut Command, input: &Secret) -> Result<Answer> {
        run(command, input, self.limit)
    }

    /// Returns the credential helpers in one file, without those for single URLs.
    pub(crate) fn helpers(&self, file: &Path) -> Result<Vec<Helper>> {
        let answer = self.config(file, &["-z", "--get-all", KEY])?;
        match answer.status.code() {
            Some(0) => {
                let values = answer.output.expose().split_inclusive(|byte| *byte == 0);
                Ok(values
                    .map(|value| Helper::read(value.strip_suffix(b"\0").unwrap_or(value)))
                    .collect())
            }
            Some(1) => Ok(Vec::new()),
            _ => Err(failure(&answer)),
        }
    }

    pub(crate) fn add(&self, file: &Path, value: &str) -> Result<()> {
        self.edit(file, &["--add", KEY, value])
    }

    /// Removes every line that has this value from the file.
    pub(crate) fn remove(&self, file: &Path, value: &str) -> Result<()> {
        self.edit(file, &["--fixed-value", "--unset-all", KEY, value])
    }

    fn edit(&self, file: &Path, arguments: &[&str]) -> Result<()> {
        let answer = self.config(file, arguments)?;
        if answer.status.success() { Ok(()) } else { Err(failure(&answer)) }
    }

    fn config(&self, file: &Path, arguments: &[&str]) -> Result<Answer> {
        let mut command = self.command(&["config", "--file"]);
        self.run(without_config(&mut command).arg(file).args(arguments), &Secret::default())
    }
}

/// Makes git ignore the configuration of the user and of the system, which may be the one to
/// repair.
fn without_config(git: &mut Command) -> &mut Command {
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1")
}

/// Returns an error for what git printed. Git may quote the file in it, so only a line number is
/// shown.
pub(crate) fn failure(answer: &Answer) -> Error {
    failure_of(&String::from_utf8_lossy(answer.errors.expose()))
}

fn failure_of(errors: &str) -> Error {
    let line = errors.split_once("bad config line ").map(|(_, rest)| rest);
    let line = line.and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
    match line {
        Some(line) => Error::invalid(
            "setup",
            format!("git does not understand line {line} of its configuration"),
        )
        .hint("Run `git config --list`, which names the file"),
        None => Error::new(ErrorKind::Other, "setup")
            .because("git could not read or change its configuration"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for (version, knows_authtype) in [
            ("git version 2.30.2", Some(false)),
            ("git version 2.45.9.windows.1", Some(false)),
            ("git version 2.46.0", Some(true)),
            ("git version 2.47.3 (Apple Git-154)", Some(true)),
            ("git version 2.100.rc1", Some(true)),
            ("git version 3.0", Some(true)),
            ("git version 2.9.5", None),
            ("something else", None),
            ("", None),
        ] {
            let git = Git::from_version(version).ok();
            assert_eq!(git.map(|git| git.knows_authtype()), knows_authtype, "{version}");
        }
    }

    #[test]
    fn only_the_line_number_of_gits_message_is_shown() {
        for (words, shown) in [
            (
                "fatal: bad config line 12 in file /x/canary",
                "git does not understand line 12 of its configuration",
            ),
            (
                "fatal: bad boolean config value 'canary' for 'x'",
                "git could not read or change its configuration",
            ),
            ("fatal: bad config line canary", "git could not read or change its configuration"),
        ] {
            assert_eq!(failure_of(words).message(), shown);
        }
    }
}
