//! Imports the file in which git's `credential-store` keeps passwords unencrypted.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use keyward::Credentials;
use keyward_core::{Error, Record, Result, Secret};
use keyward_fs::open_private;
use keyward_import::git_credentials::{Line, Login, MAX_FILE, parse};

use super::accounts::{self, Found, Place, bring};
use super::read_secret;
use crate::arguments;
use crate::commands::Session;
use crate::output::harmless;
use crate::stop::Outcome;

pub(super) fn command() -> Command {
    Command::new("git-credentials")
        .about("Import the file of git's own `store` helper, which stays as it is")
        .after_help("Example:\n  keyward import git-credentials ~/.git-credentials")
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("The file, such as ~/.git-credentials"),
        )
        .arg(accounts::store())
        .arg(arguments::user().help("The user who gets the credentials [default: you]"))
        .arg(arguments::json().help("Print a JSON object"))
}

pub(super) fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    let path = matches.get_one::<PathBuf>("file").expect("clap requires it");
    let found = parse(read(path)?.expose())?.into_iter().map(found).collect();
    let advice = format!(
        "{} is unchanged, and its passwords are unencrypted; delete it once git asks Keyward (`keyward setup git`).",
        harmless(&path.display().to_string())
    );
    bring(&session.keyward()?, matches, found, &advice)
}

fn read(path: &Path) -> Result<Secret> {
    let none = || Error::invalid("usage", format!("there is no file {}", path.display()));
    Ok(read_secret(open_private(path)?.ok_or_else(none)?, MAX_FILE)?.0)
}

fn found(Line { number, login }: Line) -> Found {
    let credential = login.map(|Login { location, password }| {
        let username = location.account().unwrap_or_default().to_owned();
        (location, Record::from(&Credentials { username, password }))
    });
    Found { place: Place::Line(number), credential }
}
