//! Runs git once, with limits on time and output.

use std::time::Duration;

use keyward_config::Environment;
use keyward_core::{Error, ErrorKind, Result, Secret};
use keyward_fs::random;
use keyward_helper::git::{MAX_REQUEST, Reply};
use keyward_origin::Location;
use keyward_plugin::process;

use super::lines::lines;
use crate::GIT_ASKS;
use crate::run::{error_of, without_repository};

/// The command `git credential`, run so that it does not prompt even if there is a terminal.
#[derive(Debug)]
pub(super) struct GitCredential {
    pub(super) environment: Environment,
    /// How long git may run.
    pub(super) limit: Duration,
}

/// Whether git distinguishes credentials by the path of their URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paths {
    Count,
    /// If `credential.useHttpPath` is set.
    AsConfigured,
}

impl GitCredential {
    /// Returns the answer of git's helpers; `None` if none of them has one.
    ///
    /// If no helper has an answer, git exits in the same way as if a helper stopped it (`quit`). To
    /// distinguish these cases, this adds a last helper, which git asks only if no other helper has
    /// an answer. The last helper returns a random password, by which `fill` recognizes its answer.
    pub(super) fn fill(&self, asked: &Location, paths: Paths) -> Result<Option<Secret>> {
        let mark = format!("{:032x}", u128::from_be_bytes(random()?));
        let last = format!("credential.helper=!f() {{ echo username=; echo password={mark}; }}; f");
        let input = lines(asked, &Reply::default())?;
        let answer = self.run("fill", &["-c", &last], asked, paths, &input)?;
        let is_mark = |line: &[u8]| line.strip_prefix(b"password=") == Some(mark.as_bytes());
        let no_helper_answered = answer.expose().split(|&byte| byte == b'\n').any(is_mark);
        Ok(Some(answer).filter(|_| !no_helper_answered))
    }

    /// Tells the helpers that a server accepted this credential.
    pub(super) fn approve(&self, location: &Location, credential: &Reply) -> Result<()> {
        self.run("approve", &[], location, Paths::Count, &lines(location, credential)?).map(drop)
    }

    /// Tells the helpers that a server refused the credentials of this account.
    pub(super) fn reject(&self, location: &Location, username: Option<Secret>) -> Result<()> {
        let account = Reply { username, ..Reply::default() };
        self.run("reject", &[], location, Paths::Count, &lines(location, &account)?).map(drop)
    }

    fn run(
        &self,
        operation: &str,
        options: &[&str],
        location: &Location,
        paths: Paths,
        input: &Secret,
    ) -> Result<Secret> {
        let mut command = without_repository(&self.environment);
        command.env(GIT_ASKS, "1").args(["-c", "credential.interactive=false"]);
        if paths == Paths::Count && location.path().is_some() {
            command.args(["-c", "credential.useHttpPath=true"]);
        }
        command.args(options).args(["credential", operation]);
        let answer = process::ask(&mut command, input, MAX_REQUEST, self.limit);
        let answer =
            answer.map_err(|failure| error_of(failure, self.limit).in_backend(super::NAME))?;
        if answer.status.success() {
            return Ok(answer.output);
        }
        let why = format!("`git credential {operation}` failed: {}", answer.status);
        let error = Error::new(ErrorKind::Unavailable, "ask").in_backend(super::NAME).because(why);
        Err(error.hint(format!("Run `git credential {operation}` by hand to see why")))
    }
}
