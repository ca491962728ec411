//! Imports the credentials of DataLad.

use std::path::PathBuf;

use keyward_core::Error;
use keyward_import::datalad::{default_keyring_file, gather};
use serde_json::{Value, json};

use super::describe;
use super::entries::{Target, outcome_of};
use crate::output::{escaped, print};
use crate::session::Session;
use crate::stop::Outcome;

/// Import the credentials of DataLad from git's configuration and Python's keyring
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward import datalad work --dry-run
  keyward import datalad work --clean-up")]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// The keyring's file [default: python_keyring/keyring_pass.cfg in your data folder]
    #[arg(long, value_name = "FILE")]
    keyring_file: Option<PathBuf>,
    /// Remove older items of a keyring that DataLad-next left there, once their credential is imported
    #[arg(long, conflicts_with = "dry_run")]
    clean_up: bool,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Outcome {
    let Arguments { target, keyring_file, clean_up } = arguments;
    let keyward = session.keyward()?;
    if let Some(file) = keyring_file.as_ref().filter(|file| !file.exists()) {
        let why = format!("there is no file {}", escaped(&file.display().to_string()));
        return Err(Error::invalid("usage", why).into());
    }
    let file = keyring_file.clone().unwrap_or_else(|| default_keyring_file(keyward.config()));
    let mut gathered = gather(keyward.config(), &file);
    let report = target.import(&keyward, std::mem::take(&mut gathered.found))?;
    let imported = report.imported.iter().chain(&report.replaced).chain(&report.present);
    let removed = if *clean_up { gathered.clean_up(imported)? } else { Vec::new() };
    if target.json {
        let mut shown = target.as_json(&report);
        let failed = gathered.failed.iter();
        let failed = failed.map(|(place, error)| json!({ "place": place, "why": error.message() }));
        shown["places"] = json!(gathered.places);
        shown["failed"] = Value::from_iter(failed);
        shown["removed"] = json!(removed);
        print(&shown.to_string())?;
    } else {
        print(&target.as_text(&report))?;
        for (place, error) in &gathered.failed {
            print(&format!("  {}: {}", escaped(place), describe(error)))?;
        }
        for item in &removed {
            print(&format!("  removed from the keyring: {}", escaped(item)))?;
        }
    }
    outcome_of(&report, gathered.failed.iter().map(|(_, error)| error))
}
