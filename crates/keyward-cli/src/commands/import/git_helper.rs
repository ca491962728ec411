//! Imports from git's other credential helpers. It asks for each URL, because helpers cannot list
//! what they hold.

use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use keyward_core::{EntryId, Error, Record, Result, Source};
use keyward_git::GitSource;
use keyward_origin::Location;

use super::accounts::{self, Found, Place, bring};
use crate::arguments;
use crate::commands::Session;
use crate::stop::Outcome;

/// The only user of the source: git's helpers belong to the caller.
const CALLER: &str = "caller";

pub(super) fn command() -> Command {
    Command::new("git-helper")
        .about("Import credentials from git's other helpers, which keep them too")
        .after_help(
            "Example:\n  keyward import git-helper https://github.com https://ann@example.com",
        )
        .arg(
            Arg::new("urls")
                .value_name("URL")
                .required(true)
                .action(ArgAction::Append)
                .num_args(1..)
                .help("The URL to ask for, with or without an account and a path"),
        )
        .arg(accounts::store())
        .arg(arguments::user().help("The user who gets the credentials [default: you]"))
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("SECONDS")
                .default_value("30")
                .value_parser(value_parser!(u64).range(1..=3600))
                .help("How long git may take for each URL"),
        )
        .arg(arguments::json().help("Print a JSON object"))
}

pub(super) fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    let limit = matches.get_one("timeout").copied().expect("it has a default");
    let keyward = session.keyward()?;
    let environment = keyward.config().environment().clone();
    let git = GitSource::new(environment, CALLER, Duration::from_secs(limit));
    let urls = matches.get_many::<String>("urls").into_iter().flatten();
    let locations = urls.map(|url| Location::parse(url)).collect::<Result<Vec<_>>>()?;
    let found = locations.into_iter().map(|location| Found {
        place: Place::Url(location.to_string()),
        credential: ask(&git, &location),
    });
    let advice =
        "git's helpers still have them too; `git credential reject` makes them forget one.";
    bring(&keyward, matches, found.collect(), advice)
}

/// Asks git for a record, and returns it with its location: git reports for which account it is.
fn ask(git: &GitSource, asked: &Location) -> Result<(Location, Record)> {
    let record = git.get(&EntryId::new(CALLER, Some(&asked.to_string()))?).map_err(|error| {
        match error.is_miss() {
            true => Error::not_found("import").because("none of git's helpers has a credential"),
            false => error,
        }
    })?;
    let username = record.field("username").and_then(|field| field.value.expose_str());
    let account = username.or(asked.account()).map(str::to_owned);
    let location = Location::new(asked.origin().clone(), account.as_deref(), asked.path())?;
    Ok((location, record))
}
