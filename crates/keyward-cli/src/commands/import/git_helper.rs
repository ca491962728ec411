//! Imports from git's other credential helpers.

use std::time::Duration;

use clap::value_parser;
use keyward_core::Result;
use keyward_git::GitSource;
use keyward_import::git_helper::{CALLER, find};
use keyward_origin::Location;

use super::accounts::{self, Target};
use crate::session::Session;
use crate::stop::Outcome;

/// Import credentials from git's other helpers, which also keep them
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
    let found = locations.iter().map(|location| find(&git, location));
    let advice =
        "git's helpers still have them too; `git credential reject` makes them forget one.";
    accounts::import(&keyward, &arguments.target, found.collect(), advice)
}
