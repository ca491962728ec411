mod child;
mod inside;
mod panics;
mod plan;
mod report;

use std::ffi::OsString;
use std::time::{Duration, Instant};

use clap::{Arg, ArgAction, ArgMatches, Command};
use keyward_core::Role;

use crate::arguments::{self, text};
use crate::stop::{Outcome, usage};
use plan::Plan;
use report::Report;

pub(super) fn command() -> Command {
    let list = |name: &'static str, what: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(what).action(ArgAction::Append).help(help)
    };
    Command::new("check")
        .about("Check a library or a program against every promise of its backends")
        .long_about("Check a library or a program against every promise of its backends.\n\nIts code runs, each case in a separate process: a crash or a hang is a failure. Options, secrets and answers are for the test only: never pass real secrets.")
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
                .help("The options of the backends; `%scratch%` is a new private folder for each case"),
        )
        .arg(list("secret", "FROM=VALUE", "A secret that the key source FROM returns in the test"))
        .arg(list("variable", "NAME=VALUE", "An environment variable that is set in the test"))
        .arg(list("answer", "TEXT", "An answer to a prompt; the last one also answers all further prompts"))
        .arg(list("needs", "LIB", "Another library that the library needs"))
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
        .arg(
            Arg::new("arguments")
                .value_name("ARGUMENT")
                .action(ArgAction::Append)
                .num_args(0..)
                .last(true)
                .help("The arguments of the program"),
        )
}

/// Runs `keyward-check`: the part of the check that its arguments select.
pub(crate) fn inside(arguments: Vec<OsString>) -> Outcome {
    let only = Arg::new("only").long("only").required(true).help("The case it is for");
    let matches = command().arg(only).try_get_matches_from(arguments);
    let matches = matches.map_err(|error| usage(error.to_string().trim_end()))?;
    inside::run(&Plan::of(&matches)?, text(&matches, "only").unwrap_or_default())
}

pub(super) fn run(matches: &ArgMatches) -> Outcome {
    let plan = Plan::of(matches)?;
    let wait = Duration::from_secs(matches.get_one("time").copied().unwrap_or(30));
    let mut report = Report::new(&plan, matches.get_flag("json"));
    let backends = child::brought(&plan, wait)?;
    let meant = text(matches, "role").and_then(Role::from_name);
    let chosen: Vec<_> =
        backends.iter().filter(|it| meant.is_none_or(|meant| meant == it.role)).collect();
    if chosen.is_empty() {
        return Err(usage("it provides no backend in this role"));
    }
    chosen.iter().try_for_each(|it| it.check_told())?;
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
