//! Checks a library or a program against the promises of its roles. Each case runs in a separate
//! process, which the case may crash.

mod plan;

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use keyward_core::{Error, ErrorKind, Result, Role, Secret};
use keyward_plugin::process::{self, Failure};
use serde_json::{Value, json};

pub use plan::{PinnedFile, Plan, pair};

/// Passed in place of a case to ask for the backends of the file.
pub const BACKENDS: &str = "backends";

/// The longest output of a case, in bytes.
const LONGEST: usize = 1 << 20;

/// A check of one file.
#[derive(Debug)]
pub struct Check {
    /// What to check.
    pub plan: Plan,
    /// The program `keyward-check`.
    pub checker: PathBuf,
    /// How long a case may take.
    pub limit: Duration,
}

/// A backend that the file provides.
#[derive(Debug)]
pub struct Backend {
    /// Its role.
    pub role: Role,
    /// Its name.
    pub name: String,
    /// The package of its crate.
    pub package: String,
    /// The version of that package.
    pub version: String,
    /// The cases to run.
    pub cases: Vec<String>,
    /// Why it cannot be opened with the options of the plan.
    bad_options: Option<String>,
}

/// The result of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The promise was kept.
    Passed,
    /// The case does not apply, for this reason.
    NotApplicable(String),
    /// The promise was broken, in this way.
    Failed(String),
}

impl Backend {
    /// Refuses options with which the backend cannot be opened.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid), with the reason.
    pub fn check_options(&self) -> Result<()> {
        let Some(why) = &self.bad_options else { return Ok(()) };
        let Self { role, name, .. } = self;
        Err(Error::invalid("options", format!("the {role} {name}: {why}")).hint(
            "Pass options with --options, as in --options '{\"path\": \"%scratch%/file\"}'; with --role you can pass other options to each role",
        ))
    }
}

impl Check {
    /// Asks a child process, which the file may crash, for the backends of the file.
    ///
    /// # Errors
    /// Those of loading the library or starting the program, and those of starting the checker.
    pub fn backends(&self) -> Result<Vec<Backend>> {
        let failed = |why: &str| {
            let why = format!("{} {why}", self.plan.file.path);
            Error::new(ErrorKind::Other, "usage").because(why)
        };
        let reply = match self.ask(BACKENDS)? {
            Reply::Value(reply) => reply,
            Reply::None(why) => return Err(failed(&format!("does not start: {why}"))),
        };
        if let Some(error) = error_of(&reply["error"]) {
            return Err(error);
        }
        let backends = reply["backends"].as_array().into_iter().flatten().map(backend);
        let backends = backends.collect::<Option<Vec<_>>>().filter(|all| !all.is_empty());
        backends.ok_or_else(|| failed("does not say which backends it provides"))
    }

    /// Runs one case of a backend.
    ///
    /// # Errors
    /// Those of starting the checker. What the file does wrong is a [`Finding`].
    pub fn run_case(&self, backend: &Backend, case: &str) -> Result<Finding> {
        let case = format!("{}/{}/{case}", backend.role, backend.name);
        Ok(finding(self.ask(&case)?))
    }

    /// Has a child process do one part of the work, and removes its temporary files.
    fn ask(&self, part: &str) -> Result<Reply> {
        let failed = |error| Error::io("check", error);
        let scratch = tempfile::tempdir().map_err(failed)?;
        let mut checker = Command::new(&self.checker);
        checker.env("TMPDIR", scratch.path());
        let request = Secret::from(json!({ "plan": self.plan, "part": part }).to_string());
        let answer = match process::ask(&mut checker, &request, LONGEST, self.limit) {
            Ok(answer) => answer,
            Err(Failure::Late) => {
                let limit = self.limit.as_secs();
                return Ok(Reply::None(format!("it took longer than {limit} seconds")));
            }
            Err(Failure::TooMuch) => return Ok(Reply::None("it printed too much".to_owned())),
            Err(Failure::NotStarted(error) | Failure::Io(error)) => return Err(failed(error)),
        };
        Ok(match serde_json::from_slice(answer.output.expose()) {
            Ok(reply) if answer.status.success() => Reply::Value(reply),
            _ => Reply::None(end(answer.status)),
        })
    }
}

/// The reply of a child process.
enum Reply {
    /// It succeeded, and printed this.
    Value(Value),
    /// It failed, for this reason.
    None(String),
}

fn backend(reply: &Value) -> Option<Backend> {
    let text = |key: &str| reply[key].as_str().map(str::to_owned);
    let cases = reply["cases"].as_array()?.iter().filter_map(Value::as_str);
    Some(Backend {
        role: Role::from_name(reply["role"].as_str()?)?,
        name: text("name")?,
        package: text("package")?,
        version: text("version")?,
        cases: cases.map(str::to_owned).collect(),
        bad_options: text("bad_options"),
    })
}

/// Returns an error as `keyward-check` replies with it.
#[must_use]
pub fn error_to_json(error: &Error) -> Value {
    json!({
        "kind": error.kind().code(),
        "why": error.to_string(),
        "hint": error.advice(),
    })
}

fn error_of(value: &Value) -> Option<Error> {
    let kind = u8::try_from(value["kind"].as_u64()?).unwrap_or_default();
    let why = value["why"].as_str().unwrap_or_default();
    let error = Error::new(ErrorKind::from_code(kind), "usage").because(why);
    Some(match value["hint"].as_str() {
        Some(hint) => error.hint(hint),
        None => error,
    })
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

/// Turns the reply of a child process into a finding.
fn finding(reply: Reply) -> Finding {
    let reply = match reply {
        Reply::Value(reply) => reply,
        Reply::None(why) => return Finding::Failed(why),
    };
    let text = |key: &str| reply[key].as_str().map(str::to_owned);
    if reply["passed"] == true {
        Finding::Passed
    } else if let Some(why) = text("not applicable") {
        Finding::NotApplicable(why)
    } else {
        let why = || error_of(&reply["error"]).map(|error| error.message().to_owned());
        Finding::Failed(text("failed").or_else(why).unwrap_or_default())
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
    fn a_process_without_a_reply_has_failed() {
        let value = |reply| finding(Reply::Value(reply));
        assert!(matches!(value(json!({ "passed": true })), Finding::Passed));
        assert!(matches!(value(json!({ "not applicable": "" })), Finding::NotApplicable(_)));
        assert!(matches!(value(json!({})), Finding::Failed(_)));
        assert!(matches!(finding(Reply::None(String::new())), Finding::Failed(_)));
    }

    #[test]
    fn an_error_of_the_child_is_the_same_here() {
        let error = Error::new(ErrorKind::Refused, "load").because("it is no plugin").hint("Do x");
        let read = error_of(&error_to_json(&error)).unwrap();
        assert_eq!(read.kind(), ErrorKind::Refused);
        assert_eq!((read.message(), read.advice()), (&*error.to_string(), Some("Do x")));
        assert_eq!(
            finding(Reply::Value(json!({ "error": error_to_json(&error) }))),
            Finding::Failed(error.to_string())
        );
    }
}
