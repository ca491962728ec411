//! The report about one store.

use keyward_core::Error;
use serde_json::json;

use crate::commands::import::{code, why};
use crate::output::harmless;

pub(super) struct Report {
    pub(super) from: String,
    pub(super) into: String,
    pub(super) dry_run: bool,
    /// Whether this import made the store.
    pub(super) made: bool,
    /// Why there is nothing to import.
    pub(super) note: Option<String>,
    pub(super) imported: Vec<String>,
    pub(super) present: Vec<String>,
    pub(super) refused: Vec<(String, Error)>,
    pub(super) failed: Option<Error>,
}

impl Report {
    pub(super) fn new(from: &str, prefix: &str, dry_run: bool) -> Self {
        Self {
            from: from.to_owned(),
            into: format!("{prefix}{from}"),
            dry_run,
            made: false,
            note: None,
            imported: Vec::new(),
            present: Vec::new(),
            refused: Vec::new(),
            failed: None,
        }
    }

    /// Returns the exit code for this store.
    pub(super) fn code(&self) -> u8 {
        let errors = self.refused.iter().map(|(_, error)| error).chain(&self.failed);
        errors.map(code).max().unwrap_or_default()
    }

    pub(super) fn json(&self) -> String {
        let refused = self.refused.iter();
        let refused = refused.map(|(user, error)| json!({ "user": user, "why": error.message() }));
        json!({
            "store": self.from,
            "into": self.into,
            "dry_run": self.dry_run,
            "made": self.made,
            "imported": self.imported,
            "present": self.present,
            "note": self.note,
            "refused": refused.collect::<Vec<_>>(),
            "error": self.failed.as_ref().map(Error::message),
        })
        .to_string()
    }

    pub(super) fn text(&self) -> String {
        let mut text = harmless(&self.from);
        if self.from != self.into {
            text += &format!(" as {}", harmless(&self.into));
        }
        text += ": ";
        text += &match &self.failed {
            Some(error) => format!("not imported: {}", why(error)),
            None => self.counts(),
        };
        if let Some(note) = &self.note {
            text += &format!(" ({})", harmless(note));
        }
        for (user, error) in &self.refused {
            text += &format!("\n  user `{}`: {}", harmless(user), why(error));
        }
        text
    }

    fn counts(&self) -> String {
        let verb = if self.dry_run { "to import" } else { "imported" };
        let users = match self.imported.len() {
            1 => "1 user".to_owned(),
            count => format!("{count} users"),
        };
        let mut counts = format!("{users} {verb}");
        if self.made {
            counts += " into a new store";
        } else if !self.imported.is_empty() {
            counts += " into the store that is there";
        }
        if !self.present.is_empty() {
            counts += &format!(", {} there already", self.present.len());
        }
        if !self.refused.is_empty() {
            counts += &format!(", {} refused", self.refused.len());
        }
        counts
    }
}
