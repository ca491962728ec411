mod inside;
mod panics;
mod plan;
mod report;

use std::os::unix::process::ExitStatusExt;
use std::process::{Command as Process, ExitStatus};
use std::time::{Duration, Instant};

use clap::{Arg, ArgAction, ArgMatches, Command};
use keyward_core::{Error, ErrorKind, Result, Role, Secret};
use keyward_plugin::process::{self, Failure};
use keyward_testkit::{Scratch, encryption, key, serializer, storage};
use serde_json::Value;

use super::trust::this_program;
use crate::arguments::{self, text};
use crate::exit::{Outcome, Stop, usage};
use plan::Plan;
use report::{Finding, Report};

/// More than a case ever has to say.
const LONGEST: usize = 1 << 20;

pub(super) fn command() -> Command {
    let list = |name: &'static str, what: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(what).action(ArgAction::Append).help(help)
    };
    Command::new("check")
        .about("Hold a library or a program to every promise of its backends, and report")
        .long_about("Hold a library or a program to every promise of its backends, and report.\n\nIts code runs, each case in a process of its own: a crash or a hang is a finding. What backends need is made up for the test; never give real secrets here.")
        .after_help(
            "Example:\n  keyward plugin check target/plugins/libshelf.so\n  keyward plugin check ./vault.py --options '{\"path\": \"%scratch%/vault\"}' --secret vault=for-the-test",
        )
        .arg(Arg::new("path").value_name("FILE").required(true).help("The library or program"))
        .arg(
            Arg::new("role")
                .long("role")
                .value_name("ROLE")
                .value_parser(["serializer", "encryption", "key", "storage"])
                .help("Check it in this role only"),
        )
        .arg(
            Arg::new("options")
                .long("options")
                .value_name("JSON")
                .help("What to tell the backends; `%scratch%` is a new private folder for each case"),
        )
        .arg(list("secret", "FROM=VALUE", "A secret that the key source FROM has for the test"))
        .arg(list("variable", "NAME=VALUE", "A variable that is set for the test"))
        .arg(list("answer", "TEXT", "An answer to a prompt; the last one answers all that follow"))
        .arg(list("needs", "LIB", "A further library that the library needs"))
        .arg(
            Arg::new("time")
                .long("time")
                .value_name("SECONDS")
                .default_value("30")
                .value_parser(clap::value_parser!(u64).range(1..=3600))
                .help("How long a case may take"),
        )
        .arg(arguments::json())
        .arg(Arg::new("sha256").long("sha256").hide(true))
        .arg(Arg::new("only").long("only").hide(true).help("The case that this process is for"))
        .arg(
            Arg::new("arguments")
                .value_name("ARGUMENT")
                .action(ArgAction::Append)
                .num_args(0..)
                .last(true)
                .help("What a program is to be started with"),
        )
}

pub(super) fn run(matches: &ArgMatches) -> Outcome {
    let plan = Plan::of(matches)?;
    if let Some(only) = text(matches, "only") {
        return inside::run(&plan, only);
    }
    let wait = Duration::from_secs(matches.get_one("time").copied().unwrap_or(30));
    let mut report = Report::new(&plan, matches.get_flag("json"));
    let backends = brought(&plan, wait)?;
    let meant = text(matches, "role").and_then(Role::from_name);
    let chosen: Vec<_> =
        backends.iter().filter(|it| meant.is_none_or(|meant| meant == it.role)).collect();
    if chosen.is_empty() {
        return Err(usage("it brings no backend in this role"));
    }
    chosen.iter().try_for_each(|it| it.check_told())?;
    report.begin(&backends[0].package, &backends[0].version)?;
    for backend in chosen {
        report.backend(backend.role, &backend.name)?;
        for case in cases(backend.role) {
            let started = Instant::now();
            let only = format!("{}/{}/{case}", backend.role, backend.name);
            let finding = finding(ask(&plan, &only, wait)?);
            report.case(case, finding, started.elapsed())?;
        }
    }
    report.end()
}

/// A backend that the file brings.
struct Brought {
    role: Role,
    name: String,
    package: String,
    version: String,
    /// Why it cannot be opened with what it is told.
    untold: Option<String>,
}

impl Brought {
    fn check_told(&self) -> Result<()> {
        let Some(why) = &self.untold else { return Ok(()) };
        let Self { role, name, .. } = self;
        Err(Error::invalid("options", format!("the {role} {name}: {why}")).hint(
            "Tell it with --options, as in --options '{\"path\": \"%scratch%/file\"}'; with --role each role can be told something else",
        ))
    }
}

/// What the file brings, as a process finds that may not survive it.
fn brought(plan: &Plan, wait: Duration) -> Outcome<Vec<Brought>> {
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
        Some(Brought {
            role: Role::from_name(said["role"].as_str()?)?,
            name: text("name")?,
            package: text("package")?,
            version: text("version")?,
            untold: text("untold"),
        })
    };
    let backends = said["backends"].as_array().into_iter().flatten().map(backend);
    let backends = backends.collect::<Option<Vec<_>>>().filter(|all| !all.is_empty());
    Ok(backends.ok_or_else(|| failed("does not say what it brings".to_owned()))?)
}

/// The names of a role's cases.
fn cases(role: Role) -> Vec<&'static str> {
    match role {
        Role::Serializer => serializer::CASES.iter().map(|(name, _)| *name).collect(),
        Role::Encryption => encryption::CASES.iter().map(|(name, _)| *name).collect(),
        Role::Key => key::CASES.iter().map(|(name, _)| *name).collect(),
        Role::Storage => storage::CASES.iter().map(|(name, _)| *name).collect(),
    }
}

/// What came of a process.
enum Said {
    /// It ended well, and said this.
    Words(Value),
    /// It did not, and this is why.
    Silence(String),
}

/// Has a process of its own look at one thing. What it leaves behind in temporary files goes, too.
fn ask(plan: &Plan, only: &str, wait: Duration) -> Outcome<Said> {
    let scratch = Scratch::new();
    let mut process = Process::new(this_program()?);
    process.args(["plugin", "check"]).args(plan.arguments(only)).env("TMPDIR", scratch.folder());
    let answer = match process::ask(&mut process, &Secret::default(), LONGEST, wait) {
        Ok(answer) => answer,
        Err(Failure::Late) => {
            return Ok(Said::Silence(format!("it took longer than {} seconds", wait.as_secs())));
        }
        Err(Failure::TooMuch) => return Ok(Said::Silence("it printed without end".to_owned())),
        Err(Failure::NotStarted(error) | Failure::Io(error)) => {
            return Err(Error::io("check", error).into());
        }
    };
    Ok(match serde_json::from_slice(answer.output.expose()) {
        Ok(said) if answer.status.success() => Said::Words(said),
        _ => Said::Silence(end(answer.status)),
    })
}

/// How a process ended that should have gone on.
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

/// What came of a case.
fn finding(said: Said) -> Finding {
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
        let words = |said| finding(Said::Words(said));
        assert!(matches!(words(serde_json::json!({ "passed": true })), Finding::Passed));
        assert!(matches!(words(serde_json::json!({ "passed over": "" })), Finding::PassedOver(_)));
        assert!(matches!(words(serde_json::json!({})), Finding::Failed(_)));
        assert!(matches!(finding(Said::Silence(String::new())), Finding::Failed(_)));
    }
}
