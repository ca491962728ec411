//! `list` with the options that need the records.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use clap::ValueEnum;
use keyward::OpenStore;
use keyward_core::{EntryId, Error, ErrorKind, Record, Result, Timestamp, printable};
use serde_json::json;

use crate::candidates;
use crate::exit::each;
use crate::json::rfc3339;
use crate::output::{Lines, escape_if_terminal};
use crate::stop::Outcome;

/// How many records are decrypted at a time.
const BATCH: usize = 256;

/// Which entries are listed, and how. To find out, the records are decrypted.
#[derive(clap::Args)]
pub(super) struct Selection {
    /// List only the records of this kind
    #[arg(long, value_name = "KIND", requires = "store", add = candidates::kinds())]
    kind: Option<String>,
    /// List only the records with this label
    #[arg(long = "where", value_name = "LABEL[=VALUE]", requires = "store")]
    labels: Vec<String>,
    /// Sort the entries; those used or updated last come first, and those that expire first
    #[arg(long, value_name = "BY", requires = "store")]
    sort: Option<Sort>,
    /// Print the kind, the times of update, of expiry and of use, and the labels too
    #[arg(long, requires = "store")]
    long: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    Name,
    Updated,
    Used,
    Expires,
}

impl Selection {
    /// Whether an option needs the records.
    pub(super) fn needs_records(&self) -> bool {
        self.kind.is_some() || !self.labels.is_empty() || self.sort.is_some() || self.long
    }

    /// Lists the entries of these stores whose records are selected. Those that do not open are
    /// reported afterwards.
    pub(super) fn list(&self, stores: &[OpenStore], user: Option<&str>, json: bool) -> Outcome {
        let mut found = Vec::new();
        let mut failures = Vec::new();
        for store in stores {
            if let Err(error) = self.find(store, user, &mut found, &mut failures) {
                failures.push(error);
            }
        }
        match self.sort {
            None => {}
            Some(Sort::Name) => found.sort_by(|a, b| a.id.cmp(&b.id)),
            Some(Sort::Updated) => {
                found.sort_by_cached_key(|it| (Reverse(it.updated), it.id.clone()))
            }
            Some(Sort::Used) => found.sort_by_cached_key(|it| (Reverse(it.used), it.id.clone())),
            Some(Sort::Expires) => {
                found.sort_by_cached_key(|it| (it.expires.is_none(), it.expires, it.id.clone()));
            }
        }
        let mut lines = Lines::new();
        for facts in &found {
            lines.print(&match json {
                true => facts.json(),
                false if self.long => facts.long_line(),
                false => super::line(&facts.id, false),
            })?;
        }
        lines.end()?;
        each(failures, |error| Err(error.into()))
    }

    /// Adds what is selected in a store, and the entries that do not open.
    ///
    /// # Errors
    /// What is wrong with the whole store: it cannot be listed, its key cannot be used, or it is
    /// not available.
    fn find(
        &self,
        store: &OpenStore,
        user: Option<&str>,
        found: &mut Vec<Facts>,
        failures: &mut Vec<Error>,
    ) -> Result<()> {
        let mut ids = store.entries(user);
        // The first entry alone: if the key cannot be used, the user is asked for it once.
        let mut size = 1;
        loop {
            let batch: Vec<_> = ids.by_ref().take(size).collect::<Result<_>>()?;
            if batch.is_empty() {
                return Ok(());
            }
            size = BATCH;
            for (record, id) in store.get_many(&batch)?.into_iter().zip(batch) {
                match record {
                    Ok(record) if self.selects(&record) => found.push(Facts::new(id, record)),
                    Ok(_) => {}
                    // It was removed after it was listed.
                    Err(error) if error.is_miss() => {}
                    Err(error) if is_about_store(&error) => return Err(error),
                    Err(error) => failures.push(about(&id, error)),
                }
            }
        }
    }

    fn selects(&self, record: &Record) -> bool {
        let has_label = |label: &String| match label.split_once('=') {
            Some((name, value)) => record.labels.get(name).is_some_and(|it| it == value),
            None => record.labels.contains_key(label),
        };
        self.kind.as_ref().is_none_or(|kind| *kind == record.kind)
            && self.labels.iter().all(has_label)
    }
}

/// Whether no other entry would open either.
fn is_about_store(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Locked | ErrorKind::Unavailable)
}

fn about(id: &EntryId, error: Error) -> Error {
    let user = printable(id.user());
    let entry = match id.name() {
        Some(name) => format!("the entry `{}` of user `{user}`", printable(name)),
        None => format!("the entry of user `{user}`"),
    };
    Error::new(error.kind(), "list").because(entry).caused_by(error)
}

/// What is shown of an entry. Nothing of it is secret.
struct Facts {
    id: EntryId,
    kind: String,
    labels: BTreeMap<String, String>,
    created: Timestamp,
    updated: Timestamp,
    expires: Option<Timestamp>,
    used: Option<Timestamp>,
}

impl Facts {
    fn new(id: EntryId, record: Record) -> Self {
        let Record { kind, labels, created, updated, expires, used, .. } = record;
        Self { id, kind, labels, created, updated, expires, used }
    }

    fn json(&self) -> String {
        json!({
            "user": self.id.user(),
            "name": self.id.name(),
            "kind": self.kind,
            "labels": self.labels,
            "created": rfc3339(self.created),
            "updated": rfc3339(self.updated),
            "expires": self.expires.and_then(rfc3339),
            "used": self.used.and_then(rfc3339),
        })
        .to_string()
    }

    /// Returns the user, the name, the kind, the times and the labels, with tabs between them.
    fn long_line(&self) -> String {
        let labels: Vec<_> =
            self.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let columns = [
            self.id.user().to_owned(),
            self.id.name_or_empty().to_owned(),
            self.kind.clone(),
            rfc3339(self.updated).unwrap_or_default(),
            self.expires.and_then(rfc3339).unwrap_or_default(),
            self.used.and_then(rfc3339).unwrap_or_default(),
            labels.join(","),
        ];
        columns.map(|column| escape_if_terminal(&column)).join("\t")
    }
}
