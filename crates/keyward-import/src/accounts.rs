//! Imports accounts of origins, so that helpers use them.

use std::cell::Cell;

use keyward::{Keyward, NewStore, OpenStore};
use keyward_accounts::Accounts;
use keyward_core::{Error, ErrorKind, Record, Result};
use keyward_origin::Location;

/// Where a credential was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The line with this number.
    Line(usize),
    /// This URL.
    Url(String),
}

/// A credential that was found, or why it cannot be imported.
#[derive(Debug)]
pub struct Found {
    /// Where it was found.
    pub place: Place,
    /// The credential and its account.
    pub credential: Result<(Location, Record)>,
}

impl Found {
    fn location(&self) -> Option<&Location> {
        self.credential.as_ref().ok().map(|(location, _)| location)
    }
}

/// What was imported.
#[derive(Debug, Default)]
pub struct Report {
    /// Whether this import made the store.
    pub made: bool,
    /// The names of the new entries.
    pub imported: Vec<String>,
    /// The names of the entries that had the same credentials already.
    pub present: Vec<String>,
    /// What was not imported, and why.
    pub refused: Vec<(Place, Error)>,
}

/// Imports all credentials that it can into a store, for the user or the store's default user.
///
/// If any credential can be imported, the store is made unless it exists. What the store holds is
/// never replaced. It calls `step` after each credential.
///
/// # Errors
/// Errors of the store. The report contains the errors of single credentials.
pub fn import(
    keyward: &Keyward,
    store: &str,
    user: Option<&str>,
    found: Vec<Found>,
    step: &mut dyn FnMut(),
) -> Result<Report> {
    let mut report = Report::default();
    if found.iter().any(|found| found.credential.is_ok()) {
        let store = report.open(keyward, store, user)?;
        report.fill(&store, store.user(user), found, step)?;
    } else {
        let refused = found.into_iter().filter_map(|it| Some((it.place, it.credential.err()?)));
        report.refused.extend(refused);
    }
    Ok(report)
}

impl Report {
    fn open(&mut self, keyward: &Keyward, store: &str, user: Option<&str>) -> Result<OpenStore> {
        let name = keyward.config().store_called(store)?;
        if keyward.config().find_store(&name)?.is_none() {
            keyward.init_store(&NewStore::named(name.as_str())?)?;
            self.made = true;
        }
        let store = keyward.store_of(name.as_str(), user)?;
        store.check_not_deleting()?;
        Ok(store)
    }

    fn fill(
        &mut self,
        store: &OpenStore,
        user: &str,
        found: Vec<Found>,
        step: &mut dyn FnMut(),
    ) -> Result<()> {
        let accounts = Accounts::new(&**store, user);
        let locations: Vec<_> = found.iter().filter_map(Found::location).cloned().collect();
        let mut kept = accounts.kept(&locations)?.into_iter();
        for Found { place, credential } in found {
            match credential {
                Ok((location, record)) => {
                    let kept = match kept.next().flatten() {
                        Some(old) => Ok(Kept::of_old(&old, &record)),
                        None => keep(&accounts, &location, &record, store),
                    };
                    self.add(place, &location, kept)?;
                }
                Err(error) => self.refused.push((place, error)),
            }
            step();
        }
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

impl Kept {
    /// Returns the result if the store holds this old record, which stays.
    fn of_old(old: &Record, new: &Record) -> Self {
        if holds(old, new) { Self::Already } else { Self::Other }
    }
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
            return Ok(record.clone().with_origins(old.origins).with_created(old.created));
        }
        kept.set(Kept::of_old(&old, record));
        Ok(old)
    })?;
    Ok(kept.get())
}

/// Whether all values of the new record are in the old one.
pub(crate) fn holds(old: &Record, new: &Record) -> bool {
    let has = |name, value| old.field(name).is_some_and(|field| field.value == value);
    old.kind == new.kind && new.fields.iter().all(|(name, field)| has(name, field.value.clone()))
}

/// Returns the error for an entry that exists and has other content.
pub(crate) fn conflict(whose: &str) -> Error {
    Error::new(ErrorKind::Conflict, "import")
        .because(format!("the store contains other credentials for this {whose}, which stay"))
}
