//! Imports from git's other credential helpers. It asks for each URL, because helpers cannot list
//! what they hold.

use std::time::Duration;

use clap::value_parser;
use keyward_core::{EntryId, Error, Record, Result, Source};
use keyward_git::GitSource;
use keyward_origin::Location;

use super::accounts::{self, Found, Place, Target};
use crate::session::Session;
use crate::stop::Outcome;

/// The only user of the source: git's helpers belong to the caller.
const CALLER: &str = "caller";

/// Import credentials from git's other helpers, which keep them too
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward import git-helper https://github.com https://ann@example.com")]
pub(crate) struct Arguments {
    /// The URL to ask for, with or without an account and a path
    #[arg(value_name = "URL", required = true)]
    urls: Vec<String>,
    /// How long git may take for each URL
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = value_parser!(u64).range(1..=3600))]
    timeout: u64,
    #[command(flatten)]
    target: Target,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Outcome {
    let keyward = session.keyward()?;
    let environment = keyward.config().environment().clone();
    let git = GitSource::new(environment, CALLER, Duration::from_secs(arguments.timeout));
    let urls = arguments.urls.iter();
    let locations = urls.map(|url| Location::parse(url)).collect::<Result<Vec<_>>>()?;
    let found = locations.into_iter().map(|location| Found {
        place: Place::Url(location.to_string()),
        credential: ask(&git, &location),
    });
    let advice =
        "git's helpers still have them too; `git credential reject` makes them forget one.";
    accounts::import(&keyward, &arguments.target, found.collect(), advice)
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
