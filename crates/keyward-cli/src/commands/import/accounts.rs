//! Reports on accounts that are imported.

use keyward::Keyward;
use keyward_core::Error;
use keyward_import::accounts::{Found, Place, Report, import as import_accounts};
use serde_json::{Value, json};

use super::{describe, exit_code_of, outcome};
use crate::candidates;
use crate::output::print;
use crate::progress::Progress;
use crate::stop::Outcome;

/// The store and the user that get the accounts, and how to report on them.
#[derive(clap::Args)]
pub(super) struct Target {
    /// The store; it is made if it does not exist
    #[arg(long, value_name = "S", default_value = "git", add = candidates::stores())]
    store: String,
    /// The user who gets the credentials [default: the store's `user`, else you]
    #[arg(short, long, value_name = "U")]
    user: Option<String>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Imports all credentials that it can. If it imported any, it prints `advice`.
pub(super) fn import(
    keyward: &Keyward,
    target: &Target,
    found: Vec<Found>,
    advice: &str,
) -> Outcome {
    let mut progress = Progress::new("credentials");
    let user = target.user.as_deref();
    let report = import_accounts(keyward, &target.store, user, found, &mut || progress.step());
    progress.clear();
    let report = report?;
    if target.json {
        print(&as_json(&report, &target.store))?;
    } else {
        print(&as_text(&report))?;
        if !report.imported.is_empty() {
            print(advice)?;
        }
    }
    outcome(report.refused.iter().map(|(_, error)| exit_code_of(error)).max().unwrap_or_default())
}

fn as_json(report: &Report, store: &str) -> String {
    let refused = report.refused.iter().map(|(place, error)| match place {
        Place::Line(number) => json!({ "line": number, "why": error.message() }),
        Place::Url(url) => json!({ "url": url, "why": error.message() }),
    });
    json!({
        "store": store,
        "made": report.made,
        "imported": report.imported,
        "present": report.present,
        "refused": Value::from_iter(refused),
    })
    .to_string()
}

fn as_text(report: &Report) -> String {
    let mut text = match report.imported.len() {
        1 => "1 credential imported".to_owned(),
        count => format!("{count} credentials imported"),
    };
    if report.made {
        text += " into a new store";
    }
    if !report.present.is_empty() {
        text += &format!(", {} there already", report.present.len());
    }
    if !report.refused.is_empty() {
        text += &format!(", {} refused", report.refused.len());
    }
    for (place, error) in &report.refused {
        text += &refusal(place, error);
    }
    text
}

fn refusal(place: &Place, error: &Error) -> String {
    match place {
        Place::Line(number) => format!("\n  line {number}: {}", describe(error)),
        Place::Url(url) => format!("\n  {url}: {}", describe(error)),
    }
}
