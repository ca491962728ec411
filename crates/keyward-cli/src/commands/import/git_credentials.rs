//! Imports the file in which git's `credential-store` keeps passwords unencrypted.

use std::path::PathBuf;

use keyward_import::accounts::Found;
use keyward_import::git_credentials::read;

use super::accounts::{self, Target};
use crate::output::escaped;
use crate::session::Session;
use crate::stop::Outcome;

/// Import the file of git's `store` helper; the file stays unchanged
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
    let found = read(path)?.into_iter().map(Found::from).collect();
    let advice = format!(
        "{} is unchanged, and its passwords are unencrypted; delete it once git asks Keyward (`keyward setup git`).",
        escaped(&path.display().to_string())
    );
    accounts::import(&session.keyward()?, &arguments.target, found, &advice)
}
