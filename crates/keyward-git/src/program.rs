//! Git, the program.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use keyward_core::{Error, ErrorKind, Result, Secret};

use crate::helper::Helper;

/// The variable whose values are git's credential helpers.
const KEY: &str = "credential.helper";

/// The largest output and the largest configuration that is read, in bytes.
pub(crate) const MAX: usize = 4 << 20;

/// The first version whose `git config` has `--fixed-value`.
const OLDEST: (u32, u32) = (2, 30);

/// The first version to which helpers can give more than usernames and passwords.
const AUTHTYPE: (u32, u32) = (2, 46);

/// The git that is installed.
#[derive(Debug)]
pub struct Git {
    /// Its version, such as `2.47.3`.
    pub version: String,
    numbers: (u32, u32),
}

/// The result of running git.
#[derive(Debug)]
pub struct Ran {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its standard output. That may be a whole configuration, with the secrets in it.
    pub out: Secret,
    /// Its error output.
    pub err: String,
}

impl Git {
    /// Finds git, and checks that it is new enough.
    ///
    /// # Errors
    /// - [`Unavailable`](ErrorKind::Unavailable): git is not installed.
    /// - [`Unsupported`](ErrorKind::Unsupported): it is too old.
    pub fn find() -> Result<Self> {
        let ran = run(without_config(&mut Command::new("git")).arg("version"), b"")?;
        Self::of(ran.out.expose_str().unwrap_or_default())
    }

    /// Reads the output of `git version`.
    fn of(version: &str) -> Result<Self> {
        let version = version.split_whitespace().nth(2).unwrap_or_default().to_owned();
        let mut numbers = version.split('.').map_while(|number| number.parse().ok());
        let numbers = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if numbers < OLDEST {
            let (major, minor) = OLDEST;
            return Err(Error::new(ErrorKind::Unsupported, "setup")
                .because(format!("`keyward setup git` needs git {major}.{minor} or newer")));
        }
        Ok(Self { version, numbers })
    }

    /// Whether helpers can give it tokens for schemes such as Bearer.
    pub fn knows_authtype(&self) -> bool {
        self.numbers >= AUTHTYPE
    }

    /// Returns git with these arguments, set up so that it never prompts.
    pub fn command(&self, arguments: &[&str]) -> Command {
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

    /// Returns the credential helpers in one file, without those for single URLs.
    pub(crate) fn helpers(&self, file: &Path) -> Result<Vec<Helper>> {
        let ran = self.config(file, &["-z", "--get-all", KEY])?;
        match ran.status.code() {
            Some(0) => {
                let values = ran.out.expose().split_inclusive(|byte| *byte == 0);
                Ok(values
                    .map(|value| Helper::read(value.strip_suffix(b"\0").unwrap_or(value)))
                    .collect())
            }
            Some(1) => Ok(Vec::new()),
            _ => Err(failure(&ran.err)),
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
        let ran = self.config(file, arguments)?;
        if ran.status.success() { Ok(()) } else { Err(failure(&ran.err)) }
    }

    fn config(&self, file: &Path, arguments: &[&str]) -> Result<Ran> {
        let mut command = self.command(&["config", "--file"]);
        run(without_config(&mut command).arg(file).args(arguments), b"")
    }
}

/// Makes git ignore the configuration of the user and of the system, which may be the one to
/// repair.
fn without_config(git: &mut Command) -> &mut Command {
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1")
}

/// Runs git with this input.
///
/// # Errors
/// [`Unavailable`](ErrorKind::Unavailable) if git is not installed or the operating system failed.
pub fn run(command: &mut Command, input: &[u8]) -> Result<Ran> {
    let missing = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::new(ErrorKind::Unavailable, "setup")
            .because("git is not installed, or is not on PATH"),
        _ => Error::io("setup", error),
    };
    let failed = |error| Error::io("setup", error);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().map_err(missing)?;
    // The input is short and fits into the pipe. A program that does not read it closes the pipe.
    drop(child.stdin.take().map(|mut pipe| std::io::Write::write_all(&mut pipe, input)));
    let err = child.stderr.take().map(|pipe| std::thread::spawn(|| Secret::read_from(pipe, MAX)));
    let out = match child.stdout.take() {
        Some(pipe) => Secret::read_from(pipe, MAX).map_err(failed)?,
        None => Secret::default(),
    };
    let status = child.wait().map_err(failed)?;
    let err = err.and_then(|thread| thread.join().ok()?.ok()).unwrap_or_default();
    Ok(Ran { status, out, err: String::from_utf8_lossy(err.expose()).into_owned() })
}

/// Returns an error for what git printed. Git may quote the file in it, so only a line number is
/// shown.
pub(crate) fn failure(err: &str) -> Error {
    let line = err.split_once("bad config line ").map(|(_, rest)| rest);
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
            let git = Git::of(version).ok();
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
            assert_eq!(failure(words).message(), shown);
        }
    }
}
