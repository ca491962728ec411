//! Imports the profiles of pancloud.

use std::path::PathBuf;

use keyward_import::pancloud::read;

use super::entries::{Target, outcome_of};
use crate::output::{escaped, print, print_message};
use crate::session::Session;
use crate::stop::Outcome;

/// Import the profiles of pancloud; the file stays unchanged
#[derive(clap::Args)]
#[command(
    after_help = "The profile `default` becomes the entry `pancloud`, another profile P the entry `pancloud-P`.

Example:
  keyward import pancloud ~/.config/pancloud/credentials.json work --dry-run
  keyward import pancloud ~/.config/pancloud/credentials.json work"
)]
pub(crate) struct Arguments {
    /// The file, such as ~/.config/pancloud/credentials.json
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Outcome {
    let Arguments { file, target } = arguments;
    let (found, is_readable) = read(file)?;
    let path = escaped(&file.display().to_string());
    if is_readable {
        print_message(&format!("warning: other users can read {path}"));
    }
    let report = target.import(&session.keyward()?, found)?;
    if target.json {
        print(&target.as_json(&report).to_string())?;
    } else {
        print(&target.as_text(&report))?;
        if !report.imported.is_empty() && !target.dry_run {
            print(&format!(
                "{path} is unchanged, and its secrets are unencrypted; delete it once nothing uses it."
            ))?;
        }
    }
    outcome_of(&report, [])
}
