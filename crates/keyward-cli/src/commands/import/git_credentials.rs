//! Imports the file in which git's `credential-store` keeps passwords unencrypted.

use std::path::{Path, PathBuf};

use keyward::Credentials;
use keyward_core::{Error, Record, Result, Secret};
use keyward_fs::open_private;
use keyward_import::git_credentials::{Line, Login, MAX_FILE, parse};

use super::accounts::{self, Found, Place, Target};
use super::read_secret;
use crate::output::harmless;
use crate::session::Session;
use crate::stop::Outcome;

/// Import the file of git's own `store` helper, which stays as it is
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward import git-credentials ~/.git-credentials")]
pub(crate) struct Arguments {
    /// The file, such as ~/.git-credentials
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Outcome {
    let path = &arguments.file;
    let found = parse(read(path)?.expose())?.into_iter().map(found).collect();
    let advice = format!(
        "{} is unchanged, and its passwords are unencrypted; delete it once git asks Keyward (`keyward setup git`).",
        harmless(&path.display().to_string())
    );
    accounts::import(&session.keyward()?, &arguments.target, found, &advice)
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
