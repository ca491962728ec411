mod child;
mod inside;
mod panics;
mod plan;
mod report;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Parser, value_parser};
use keyward_core::Role;

use crate::arguments::role;
use crate::stop::{Outcome, usage};
use plan::Plan;
use report::Report;

/// Check a library or a program against every promise of its backends.
///
/// Its code runs, each case in a separate process: a crash or a hang is a failure. Options, secrets and answers are for the test only: never pass real secrets.
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward plugin check target/plugins/libshelf.so
  keyward plugin check ./vault.py --options '{\"path\": \"%scratch%/vault\"}' --secret vault=for-the-test")]
pub(crate) struct Arguments {
    /// The library or program
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// Check it in this role only
    #[arg(long, value_parser = role())]
    role: Option<Role>,
    /// The options of the backends; `%scratch%` is a new private folder for each case
    #[arg(long, value_name = "JSON", default_value = "{}", hide_default_value = true)]
    options: String,
    /// A secret that the key source FROM returns in the test
    #[arg(long = "secret", value_name = "FROM=VALUE")]
    secrets: Vec<String>,
    /// An environment variable that is set in the test
    #[arg(long = "variable", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// An answer to a prompt; the last one also answers all further prompts
    #[arg(long = "answer", value_name = "TEXT")]
    answers: Vec<String>,
    /// Another library that the library needs
    #[arg(long, value_name = "LIB")]
    needs: Vec<PathBuf>,
    /// How long a case may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = value_parser!(u64).range(1..=3600))]
    time: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[arg(long, hide = true)]
    sha256: Option<String>,
    /// The arguments of the program
    #[arg(value_name = "ARGUMENT", num_args = 0.., last = true)]
    arguments: Vec<String>,
}

/// The arguments of `keyward-check`.
#[derive(clap::Parser)]
struct CheckerArguments {
    #[command(flatten)]
    check: Arguments,
    /// The case to run
    #[arg(long)]
    only: String,
}

/// Runs `keyward-check`: the part of the check that its arguments select.
pub(crate) fn inside(arguments: Vec<OsString>) -> Outcome {
    let CheckerArguments { check, only } = CheckerArguments::try_parse_from(arguments)?;
    inside::run(&Plan::new(&check)?, &only)
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let plan = Plan::new(arguments)?;
    let wait = Duration::from_secs(arguments.time);
    let mut report = Report::new(&plan, arguments.json);
    let backends = child::provided(&plan, wait)?;
    let is_requested = |role| arguments.role.is_none_or(|requested| requested == role);
    let chosen: Vec<_> = backends.iter().filter(|it| is_requested(it.role)).collect();
    if chosen.is_empty() {
        return Err(usage("it provides no backend in this role"));
    }
    chosen.iter().try_for_each(|it| it.check_options())?;
    report.begin(&backends[0].package, &backends[0].version)?;
    for backend in chosen {
        report.backend(backend.role, &backend.name)?;
        for case in &backend.cases {
            let started = Instant::now();
            let only = format!("{}/{}/{case}", backend.role, backend.name);
            report.case(case, child::finding(&plan, &only, wait)?, started.elapsed())?;
        }
    }
    report.end()
}
