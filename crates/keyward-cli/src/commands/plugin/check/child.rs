//! The parent: it runs each case in a separate process, which the case may crash.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use keyward_core::{Error, ErrorKind, Result, Role, Secret};
use keyward_plugin::process::{self, Failure};
use keyward_testkit::Scratch;
use serde_json::Value;

use super::inside;
use super::plan::Plan;
use super::report::Finding;
use crate::commands::plugin::trust::this_program;
use crate::stop::{Outcome, Stop};

/// The longest output of a case, in bytes.
const LONGEST: usize = 1 << 20;

/// A backend that the file provides.
pub(super) struct Backend {
    pub(super) role: Role,
    pub(super) name: String,
    pub(super) package: String,
    pub(super) version: String,
    /// The cases to run.
    pub(super) cases: Vec<String>,
    /// Why it cannot be opened with the options of the command line.
    bad_options: Option<String>,
}

impl Backend {
    pub(super) fn check_options(&self) -> Result<()> {
        let Some(why) = &self.bad_options else { return Ok(()) };
        let Self { role, name, .. } = self;
        Err(Error::invalid("options", format!("the {role} {name}: {why}")).hint(
            "Pass options with --options, as in --options '{\"path\": \"%scratch%/file\"}'; with --role you can pass other options to each role",
        ))
    }
}

/// Asks a child process, which the file may crash, for the backends of the file.
pub(super) fn provided(plan: &Plan, wait: Duration) -> Outcome<Vec<Backend>> {
    let failed = |why: String| {
        let why = format!("{} {why}", plan.path.display());
        Error::new(ErrorKind::Other, "usage").because(why)
    };
    let said = match ask(plan, inside::BACKENDS, wait)? {
        Said::Words(said) => said,
        Said::Silence(why) => return Err(failed(format!("does not start: {why}")).into()),
    };
    if let (Some(code), Some(error)) = (said["code"].as_u64(), said["error"].as_str()) {
        return Err(Stop::Code(u8::try_from(code).unwrap_or(1), error.to_owned()));
    }
    let backend = |said: &Value| {
        let text = |key: &str| said[key].as_str().map(str::to_owned);
        Some(Backend {
            role: Role::from_name(said["role"].as_str()?)?,
            name: text("name")?,
            package: text("package")?,
            version: text("version")?,
            cases: said["cases"]
                .as_array()?
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            bad_options: text("bad_options"),
        })
    };
    let backends = said["backends"].as_array().into_iter().flatten().map(backend);
    let backends = backends.collect::<Option<Vec<_>>>().filter(|all| !all.is_empty());
    Ok(backends.ok_or_else(|| failed("does not say which backends it provides".to_owned()))?)
}

/// Runs the case `ROLE/BACKEND/CASE`, and returns its result.
pub(super) fn finding(plan: &Plan, only: &str, wait: Duration) -> Outcome<Finding> {
    Ok(judged(ask(plan, only, wait)?))
}

/// The result of a child process.
enum Said {
    /// It succeeded, and printed this.
    Words(Value),
    /// It failed, for this reason.
    Silence(String),
}

/// Has a child process do one part of the work, and removes its temporary files.
fn ask(plan: &Plan, only: &str, wait: Duration) -> Outcome<Said> {
    let scratch = Scratch::new();
    let mut process = Command::new(checker()?);
    process.args(plan.arguments(only)).env("TMPDIR", scratch.folder());
    let answer = match process::ask(&mut process, &Secret::default(), LONGEST, wait) {
        Ok(answer) => answer,
        Err(Failure::Late) => {
            return Ok(Said::Silence(format!("it took longer than {} seconds", wait.as_secs())));
        }
        Err(Failure::TooMuch) => return Ok(Said::Silence("it printed too much".to_owned())),
        Err(Failure::NotStarted(error) | Failure::Io(error)) => {
            return Err(Error::io("check", error).into());
        }
    };
    Ok(match serde_json::from_slice(answer.output.expose()) {
        Ok(said) if answer.status.success() => Said::Words(said),
        _ => Said::Silence(end(answer.status)),
    })
}

/// Returns the path of `keyward-check`, which contains the test suites. It is in the folder of this
/// program.
fn checker() -> Result<PathBuf> {
    let path = this_program()?.with_file_name("keyward-check");
    if path.exists() {
        return Ok(path);
    }
    Err(Error::new(ErrorKind::Unavailable, "usage")
        .because(format!("the program {} is missing", path.display()))
        .hint("It is installed together with `keyward`"))
}

/// Describes the end of a process that ended too early.
fn end(status: ExitStatus) -> String {
    let name = |signal| match signal {
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        _ => "",
    };
    match status.signal() {
        Some(signal) => format!("it crashed: signal {signal}{}", name(signal)),
        None => format!("it ended the process, with code {}", status.code().unwrap_or_default()),
    }
}

/// Turns the result of a child process into a finding.
fn judged(said: Said) -> Finding {
    let said = match said {
        Said::Words(said) => said,
        Said::Silence(why) => return Finding::Failed(why),
    };
    let text = |key: &str| said[key].as_str().map(str::to_owned);
    if said["passed"] == true {
        Finding::Passed
    } else if let Some(why) = text("passed over") {
        Finding::PassedOver(why)
    } else {
        Finding::Failed(text("failed").or_else(|| text("error")).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_named() {
        assert_eq!(end(ExitStatus::from_raw(11)), "it crashed: signal 11 (SIGSEGV)");
        assert_eq!(end(ExitStatus::from_raw(3 << 8)), "it ended the process, with code 3");
    }

    #[test]
    fn what_says_nothing_has_failed() {
        let words = |said| judged(Said::Words(said));
        assert!(matches!(words(serde_json::json!({ "passed": true })), Finding::Passed));
        assert!(matches!(words(serde_json::json!({ "passed over": "" })), Finding::PassedOver(_)));
        assert!(matches!(words(serde_json::json!({})), Finding::Failed(_)));
        assert!(matches!(judged(Said::Silence(String::new())), Finding::Failed(_)));
    }
}
