mod report;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::value_parser;
use keyward_core::{Error, ErrorKind, Result, Role};
use keyward_plugin_cli::check::{Check, Plan, pair};

use super::trust::this_program;
use crate::arguments::role;
use crate::stop::{Outcome, usage_error};
use report::Report;

/// Check a library or a program against every promise of its backends
///
/// The plugin's code runs, for each case in a separate process; a crash or a hang is a failure. A failed case may print what you pass: never pass real secrets.
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
    /// The arguments of the program
    #[arg(value_name = "ARGUMENT", num_args = 0.., last = true)]
    arguments: Vec<String>,
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let limit = Duration::from_secs(arguments.time);
    let (requested, is_json) = (arguments.role, arguments.json);
    let check = Check { plan: plan(arguments)?, checker: checker()?, limit };
    let mut report = Report::new(&check.plan, is_json);
    let backends = check.backends()?;
    let is_requested = |role| requested.is_none_or(|requested| requested == role);
    let chosen: Vec<_> = backends.iter().filter(|it| is_requested(it.role)).collect();
    if chosen.is_empty() {
        return Err(usage_error("it provides no backend in this role"));
    }
    chosen.iter().try_for_each(|it| it.check_options())?;
    report.begin(&backends[0].package, &backends[0].version)?;
    for backend in chosen {
        report.backend(backend.role, &backend.name)?;
        for case in &backend.cases {
            let started = Instant::now();
            report.case(case, check.run_case(backend, case)?, started.elapsed())?;
        }
    }
    report.end()
}

fn plan(arguments: Arguments) -> Result<Plan> {
    let pairs = |texts: &[String]| texts.iter().map(|text| pair(text)).collect::<Result<_>>();
    let plan = Plan::new(&arguments.path, &arguments.needs, arguments.arguments)?;
    Ok(Plan {
        secrets: pairs(&arguments.secrets)?,
        variables: pairs(&arguments.variables)?,
        answers: arguments.answers,
        ..plan.with_options(arguments.options)?
    })
}

/// Returns the path of `keyward-check`, which contains the conformance suites. It is in the folder
/// of this program.
fn checker() -> Result<PathBuf> {
    let path = this_program()?.with_file_name("keyward-check");
    if path.exists() {
        return Ok(path);
    }
    Err(Error::new(ErrorKind::Unavailable, "usage")
        .because(format!("the program {} is missing", path.display()))
        .hint("Install the crate `keyward-check`; the Debian package of `keyward` contains it"))
}
