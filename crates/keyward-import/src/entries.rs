//! Imports credentials as entries with names, so that the resolver finds them.

use keyward::{Keyward, NewStore, OpenStore};
use keyward_core::{EntryId, Error, ErrorKind, Expect, Record, Result};

use crate::accounts::holds;

/// A credential that was found, or why it cannot be imported.
#[derive(Debug)]
pub struct Found {
    /// What the other system calls it.
    pub label: String,
    /// The name of its entry.
    pub name: String,
    /// The credential.
    pub record: Result<Record>,
}

/// Where to import into, and how.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The store; `-` is the default store.
    pub store: &'a str,
    /// The user who gets the entries, or the store's default user.
    pub user: Option<&'a str>,
    /// Whether to replace entries that have other content.
    pub replace: bool,
    /// Whether to write nothing.
    pub dry_run: bool,
}

/// What was imported, or would be.
#[derive(Debug, Default)]
pub struct Report {
    /// The name of the store; empty if there was nothing to import.
    pub store: String,
    /// Whether this import made the store.
    pub made: bool,
    /// The names of the new entries.
    pub imported: Vec<String>,
    /// The names of the entries that were replaced.
    pub replaced: Vec<String>,
    /// The names of the entries that had the same credentials already.
    pub present: Vec<String>,
    /// What was not imported, and why.
    pub refused: Vec<(String, Error)>,
}

/// Imports all credentials that it can. If any can be imported, the store is made unless it exists.
/// It calls `step` after each credential.
///
/// An entry that was written is read again and compared, so that the other system's copy can be
/// removed.
///
/// # Errors
/// Errors of the store. The report contains the errors of single credentials.
pub fn import(
    keyward: &Keyward,
    target: Target<'_>,
    found: Vec<Found>,
    step: &mut dyn FnMut(),
) -> Result<Report> {
    let mut report = Report::default();
    let store = match found.iter().any(|found| found.record.is_ok()) {
        true => report.open(keyward, target)?,
        false => None,
    };
    for Found { label, name, record } in found {
        let added = record.and_then(|record| {
            keyward.config().kinds().find(&record.kind)?.check(&record)?;
            add(store.as_ref(), target, &name, &record)
        });
        match added {
            Ok(Added::New) => report.imported.push(name),
            Ok(Added::Replaced) => report.replaced.push(name),
            Ok(Added::Present) => report.present.push(name),
            Err(error) if is_of_one_credential(&error) => report.refused.push((label, error)),
            Err(error) => return Err(error),
        }
        step();
    }
    Ok(report)
}

impl Report {
    /// Returns the store; `None` if it does not exist and nothing may be written.
    fn open(&mut self, keyward: &Keyward, target: Target<'_>) -> Result<Option<OpenStore>> {
        let name = keyward.config().store_called(target.store)?;
        name.as_str().clone_into(&mut self.store);
        if keyward.config().find_store(&name)?.is_none() {
            self.made = true;
            if target.dry_run {
                return Ok(None);
            }
            keyward.init_store(&NewStore::named(name.as_str())?)?;
        }
        let store = keyward.store_of(name.as_str(), target.user)?;
        store.check_not_deleting()?;
        Ok(Some(store))
    }
}

/// The result for one credential.
enum Added {
    New,
    Replaced,
    Present,
}

fn add(
    store: Option<&OpenStore>,
    target: Target<'_>,
    name: &str,
    record: &Record,
) -> Result<Added> {
    let Some(store) = store else {
        // The name is checked as by the store that would be made.
        return EntryId::new("-", Some(name)).map(|_| Added::New);
    };
    let id = store.entry(target.user, Some(name))?;
    let old = match store.get(&id) {
        Ok(old) if holds(&old, record) => return Ok(Added::Present),
        Ok(_) if !target.replace => {
            return Err(Error::new(ErrorKind::Conflict, "import")
                .because(format!("the entry `{name}` exists and has other content"))
                .hint("--replace replaces it"));
        }
        Ok(old) => Some(old),
        Err(error) if error.is_miss() => None,
        Err(error) => return Err(error),
    };
    if !target.dry_run {
        let created = old.as_ref().map_or_else(|| store.now(), |old| old.created);
        let record = record.clone().with_created(created).with_updated(store.now());
        let expect = if old.is_some() { Expect::Any } else { Expect::Absent };
        store.put(&id, &record, expect)?;
        if !holds(&store.get(&id)?, &record) {
            return Err(
                Error::corrupt("import").because("the entry has other content than was written")
            );
        }
    }
    Ok(if old.is_some() { Added::Replaced } else { Added::New })
}

/// Whether the next credential may succeed.
fn is_of_one_credential(error: &Error) -> bool {
    use ErrorKind::{Conflict, Corrupt, Exists, Invalid, NotFound, Refused, Unsupported};
    matches!(error.kind(), Conflict | Corrupt | Exists | Invalid | NotFound | Refused | Unsupported)
}
