//! Imports accounts of origins, so that helpers use them.

use std::cell::Cell;
use std::fmt;

use keyward::{Keyward, NewStore, OpenStore, StoreName};
use keyward_accounts::Accounts;
use keyward_core::{Error, ErrorKind, Record, Result};
use keyward_origin::Location;
use serde_json::{Value, json};

use super::{code, conflict, end, why};
use crate::output::print;
use crate::progress::Progress;
use crate::stop::Outcome;

/// The store and the user that get the accounts, and how to report on them.
#[derive(clap::Args)]
pub(super) struct Target {
    /// The store; it is made if it does not exist
    #[arg(long, value_name = "S", default_value = "git")]
    store: String,
    /// The user who gets the credentials [default: the store's `user`, else you]
    #[arg(short, long, value_name = "U")]
    user: Option<String>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Where a credential was found.
pub(super) enum Place {
    Line(usize),
    Url(String),
}

/// A credential that was found, or why it cannot be imported.
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) credential: Result<(Location, Record)>,
}

/// Imports all credentials that it can. If it imported any, it prints `advice`.
pub(super) fn import(
    keyward: &Keyward,
    target: &Target,
    found: Vec<Found>,
    advice: &str,
) -> Outcome {
    let report = Report::of_import(keyward, target, found)?;
    if target.json {
        print(&report.json())?;
    } else {
        print(&report.to_string())?;
        if !report.imported.is_empty() {
            print(advice)?;
        }
    }
    end(report.code())
}

struct Report {
    store: String,
    /// Whether this import made the store.
    made: bool,
    imported: Vec<String>,
    present: Vec<String>,
    refused: Vec<(Place, Error)>,
}

impl Report {
    fn of_import(keyward: &Keyward, target: &Target, found: Vec<Found>) -> Result<Self> {
        let store = target.store.clone();
        let (imported, present, refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut report = Self { store, made: false, imported, present, refused };
        if found.iter().any(|found| found.credential.is_ok()) {
            let user = target.user.as_deref();
            let store = report.open(keyward, user)?;
            let user = store.entry(user, None)?;
            report.fill(&store, user.user(), found)?;
        } else {
            let refused = found.into_iter().filter_map(|it| Some((it.place, it.credential.err()?)));
            report.refused.extend(refused);
        }
        Ok(report)
    }

    fn open(&mut self, keyward: &Keyward, user: Option<&str>) -> Result<OpenStore> {
        let name = StoreName::new(&self.store)?;
        if keyward.config().find_store(&name)?.is_none() {
            keyward.init_store(&NewStore::named(name.as_str())?)?;
            self.made = true;
        }
        let store = keyward.store_of(name.as_str(), user)?;
        store.check_staying()?;
        Ok(store)
    }

    /// # Errors
    /// Errors of the store. The report contains the errors of single credentials.
    fn fill(&mut self, store: &OpenStore, user: &str, found: Vec<Found>) -> Result<()> {
        let accounts = Accounts::new(&store.store, user);
        let mut progress = Progress::new("credentials");
        for Found { place, credential } in found {
            match credential {
                Ok((location, record)) => {
                    let kept = keep(&accounts, &location, &record, store);
                    let added = self.add(place, &location, kept);
                    added.inspect_err(|_| progress.clear())?;
                }
                Err(error) => self.refused.push((place, error)),
            }
            progress.step();
        }
        progress.clear();
        Ok(())
    }

    fn add(&mut self, place: Place, location: &Location, kept: Result<Kept>) -> Result<()> {
        use ErrorKind::{Exists, Full, Invalid, Unsupported};
        match kept {
            Ok(Kept::New) => self.imported.push(location.to_string()),
            Ok(Kept::Already) => self.present.push(location.to_string()),
            Ok(Kept::Other) => self.refused.push((place, conflict("account"))),
            // The next credential may succeed.
            Err(error) if matches!(error.kind(), Exists | Full | Invalid | Unsupported) => {
                self.refused.push((place, error));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn code(&self) -> u8 {
        self.refused.iter().map(|(_, error)| code(error)).max().unwrap_or_default()
    }

    fn json(&self) -> String {
        let refused = self.refused.iter().map(|(place, error)| match place {
            Place::Line(number) => json!({ "line": number, "why": error.message() }),
            Place::Url(url) => json!({ "url": url, "why": error.message() }),
        });
        json!({
            "store": self.store,
            "made": self.made,
            "imported": self.imported,
            "present": self.present,
            "refused": Value::from_iter(refused),
        })
        .to_string()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.imported.len() {
            1 => f.write_str("1 credential imported")?,
            count => write!(f, "{count} credentials imported")?,
        }
        if self.made {
            f.write_str(" into a new store")?;
        }
        if !self.present.is_empty() {
            write!(f, ", {} there already", self.present.len())?;
        }
        if !self.refused.is_empty() {
            write!(f, ", {} refused", self.refused.len())?;
        }
        for (place, error) in &self.refused {
            match place {
                Place::Line(number) => write!(f, "\n  line {number}: {}", why(error))?,
                Place::Url(url) => write!(f, "\n  {url}: {}", why(error))?,
            }
        }
        Ok(())
    }
}

/// The result for one credential.
#[derive(Clone, Copy)]
enum Kept {
    New,
    /// The store held the same credential.
    Already,
    /// The store held another credential, and keeps it.
    Other,
}

fn keep(
    accounts: &Accounts<'_>,
    location: &Location,
    record: &Record,
    store: &OpenStore,
) -> Result<Kept> {
    let kept = Cell::new(Kept::New);
    accounts.keep(location, store.now(), &|old| {
        if old.kind.is_empty() {
            kept.set(Kept::New);
            return Ok(Record { origins: old.origins, created: old.created, ..record.clone() });
        }
        kept.set(if holds(&old, record) { Kept::Already } else { Kept::Other });
        Ok(old)
    })?;
    Ok(kept.get())
}

/// Whether all values of the new record are in the old one.
fn holds(old: &Record, new: &Record) -> bool {
    let has = |name, value| old.field(name).is_some_and(|field| field.value == value);
    old.kind == new.kind && new.fields.iter().all(|(name, field)| has(name, field.value.clone()))
}
