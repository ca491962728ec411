//! Reports on credentials that become entries with names.

use keyward::Keyward;
use keyward_core::Error;
use keyward_import::entries::{Found, Report, Target as Into, import as import_entries};
use serde_json::{Value, json};

use super::{describe, exit_code_of, outcome};
use crate::candidates;
use crate::output::escaped;
use crate::progress::Progress;
use crate::stop::Outcome;

/// The store and the user that get the entries, and how to import and to report.
#[derive(clap::Args)]
pub(super) struct Target {
    /// The store; it is made if it does not exist
    #[arg(default_value = "-", add = candidates::stores())]
    store: String,
    /// The user who gets the entries [default: the store's `user`, else you]
    #[arg(short, long, value_name = "U")]
    user: Option<String>,
    /// Replace entries that have other content
    #[arg(long)]
    replace: bool,
    /// Read everything, but write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print a JSON object
    #[arg(long)]
    pub(super) json: bool,
}

impl Target {
    pub(super) fn import(&self, keyward: &Keyward, found: Vec<Found>) -> keyward::Result<Report> {
        let mut progress = Progress::new("credentials");
        let &Self { ref store, ref user, replace, dry_run, .. } = self;
        let into = Into { store, user: user.as_deref(), replace, dry_run };
        let report = import_entries(keyward, into, found, &mut || progress.step());
        progress.clear();
        report
    }

    /// Returns the report as JSON, to which a command may add more.
    pub(super) fn as_json(&self, report: &Report) -> Value {
        let refused = report.refused.iter();
        let refused = refused.map(|(what, error)| json!({ "what": what, "why": error.message() }));
        json!({
            "store": Some(&report.store).filter(|store| !store.is_empty()),
            "dry_run": self.dry_run,
            "made": report.made,
            "imported": report.imported,
            "replaced": report.replaced,
            "present": report.present,
            "refused": Value::from_iter(refused),
        })
    }

    pub(super) fn as_text(&self, report: &Report) -> String {
        let done = if self.dry_run { "to import" } else { "imported" };
        let mut text = match report.imported.len() {
            1 => format!("1 credential {done}"),
            count => format!("{count} credentials {done}"),
        };
        if report.made {
            text += " into a new store";
        }
        for (names, what) in [
            (report.replaced.len(), if self.dry_run { "to replace" } else { "replaced" }),
            (report.present.len(), "there already"),
            (report.refused.len(), "refused"),
        ] {
            if names > 0 {
                text += &format!(", {names} {what}");
            }
        }
        for (what, error) in &report.refused {
            text += &format!("\n  {}: {}", escaped(what), describe(error));
        }
        text
    }
}

/// Returns the outcome of an import with this report, and with further errors.
pub(super) fn outcome_of<'a>(
    report: &'a Report,
    more: impl IntoIterator<Item = &'a Error>,
) -> Outcome {
    let errors = report.refused.iter().map(|(_, error)| error).chain(more);
    outcome(errors.map(exit_code_of).max().unwrap_or_default())
}
