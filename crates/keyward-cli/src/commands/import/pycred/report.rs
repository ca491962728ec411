//! The report about one store.

use keyward_core::Error;
use keyward_import::pycred::Report;
use serde_json::json;

use crate::commands::import::{describe, exit_code_of};
use crate::output::escaped;

/// Returns the exit code for this store.
pub(super) fn exit_code(report: &Report) -> u8 {
    let errors = report.refused.iter().map(|(_, error)| error).chain(&report.failed);
    errors.map(exit_code_of).max().unwrap_or_default()
}

pub(super) fn as_json(report: &Report, dry_run: bool) -> String {
    let refused = report.refused.iter();
    let refused = refused.map(|(user, error)| json!({ "user": user, "why": error.message() }));
    json!({
        "store": report.from,
        "into": report.into,
        "dry_run": dry_run,
        "made": report.made,
        "imported": report.imported,
        "present": report.present,
        "note": report.note,
        "refused": refused.collect::<Vec<_>>(),
        "error": report.failed.as_ref().map(Error::message),
    })
    .to_string()
}

pub(super) fn as_text(report: &Report, dry_run: bool) -> String {
    let mut text = escaped(&report.from);
    if report.from != report.into {
        text += &format!(" as {}", escaped(&report.into));
    }
    text += ": ";
    text += &match &report.failed {
        Some(error) => format!("not imported: {}", describe(error)),
        None => counts(report, dry_run),
    };
    if let Some(note) = &report.note {
        text += &format!(" ({})", escaped(note));
    }
    for (user, error) in &report.refused {
        text += &format!("\n  user `{}`: {}", escaped(user), describe(error));
    }
    text
}

fn counts(report: &Report, dry_run: bool) -> String {
    let verb = if dry_run { "to import" } else { "imported" };
    let users = match report.imported.len() {
        1 => "1 user".to_owned(),
        count => format!("{count} users"),
    };
    let mut counts = format!("{users} {verb}");
    if report.made {
        counts += " into a new store";
    } else if !report.imported.is_empty() {
        counts += " into the store that is there";
    }
    if !report.present.is_empty() {
        counts += &format!(", {} there already", report.present.len());
    }
    if !report.refused.is_empty() {
        counts += &format!(", {} refused", report.refused.len());
    }
    counts
}
