use std::path::Path;

use keyward::{Credentials, Keyward, NewStore, OpenStore};
use keyward_core::{Error, Expect, Record, Result};

use super::installation::{Account, Content, Store, User, stores};
use crate::accounts::conflict;

/// An import of PyCred's stores, each into a store of the same name. It never replaces anything, so
/// that it can be repeated.
#[derive(Debug)]
pub struct Import<'a> {
    /// Where to import into.
    pub keyward: &'a Keyward,
    /// A prefix for the names of the new stores.
    pub prefix: &'a str,
    /// Whether to open all of PyCred's records, but write nothing.
    pub dry_run: bool,
}

/// What was imported from one store.
#[derive(Debug, Default)]
pub struct Report {
    /// The name of PyCred's store.
    pub from: String,
    /// The name of Keyward's store.
    pub into: String,
    /// Whether this import made the store, or would make it.
    pub made: bool,
    /// Why there is nothing to import.
    pub note: Option<String>,
    /// The users whose accounts were imported.
    pub imported: Vec<String>,
    /// The users whose accounts the store had already.
    pub present: Vec<String>,
    /// The users whose accounts were not imported, and why.
    pub refused: Vec<(String, Error)>,
    /// Why the store was not imported, or not all of it.
    pub failed: Option<Error>,
}

impl Import<'_> {
    /// Imports all stores of the PyCred whose home, or whose folder of stores, is `dir`. The
    /// iterator imports one store after the other.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if `dir` is neither. The errors of a store are
    /// in its [`Report`].
    pub fn run(&self, dir: &Path) -> Result<impl Iterator<Item = Report>> {
        let stores = stores(dir, &self.keyward.config().places().home)?;
        Ok(stores.map(|store| self.import(store)))
    }

    fn import(&self, store: Store) -> Report {
        let into = format!("{}{}", self.prefix, store.name);
        let mut report = Report { from: store.name, into, ..Report::default() };
        if let Err(error) = self.fill(&mut report, store.content) {
            report.failed = Some(error);
        }
        report
    }

    fn fill(&self, report: &mut Report, content: Result<Content>) -> Result<()> {
        let users = match content? {
            Content::Users(users) => users,
            Content::InMemory => {
                report.note = Some("PyCred kept it in memory".into());
                return Ok(());
            }
            Content::Missing(path) => {
                report.note = Some(format!("{} does not exist", path.display()));
                Vec::new()
            }
        };
        let nothing_opens = !users.is_empty() && users.iter().all(|user| user.account.is_err());
        let store = self.target(report, nothing_opens)?;
        let mut kept = kept(store.as_ref(), &users)?.into_iter();
        for User { name, account } in users {
            let added = account.and_then(|account| {
                let kept = kept.next().flatten();
                self.add(store.as_ref(), &account, kept)
            });
            match added {
                Ok(true) => report.imported.push(name),
                Ok(false) => report.present.push(name),
                Err(error) => report.refused.push((name, error)),
            }
        }
        Ok(())
    }

    /// Returns the store to import into: an existing one, or a new one if anything can be imported.
    fn target(&self, report: &mut Report, nothing_opens: bool) -> Result<Option<OpenStore>> {
        let name = self.keyward.config().store_called(&report.into)?;
        if self.keyward.config().find_store(&name)?.is_none() {
            if nothing_opens || self.dry_run {
                report.made = !nothing_opens;
                return Ok(None);
            }
            self.keyward.init_store(&NewStore::named(name.as_str())?)?;
            report.made = true;
        }
        let store = self.keyward.store(name.as_str())?;
        store.check_not_deleting()?;
        Ok(Some(store))
    }

    /// Adds an account unless the store has it, and returns whether it added the account.
    ///
    /// `kept` is what the store holds for the account.
    fn add(
        &self,
        store: Option<&OpenStore>,
        account: &Account,
        kept: Option<Result<Record>>,
    ) -> Result<bool> {
        let Some(store) = store else { return Ok(true) };
        let credentials =
            Credentials::new(account.login.username.as_str(), account.login.password.clone());
        if let Some(kept) = kept {
            return match Credentials::try_from(&kept?)? == credentials {
                true => Ok(false),
                false => Err(conflict("user")),
            };
        }
        if !self.dry_run {
            let mut record = Record::from(&credentials);
            record.created = account.written;
            record.updated = account.written;
            store.put(&account.id, &record, Expect::Absent)?;
        }
        Ok(true)
    }
}

/// Returns what the store holds for each account that can be imported; `None` if it holds nothing.
fn kept(store: Option<&OpenStore>, users: &[User]) -> Result<Vec<Option<Result<Record>>>> {
    let Some(store) = store else { return Ok(Vec::new()) };
    let accounts = users.iter().filter_map(|user| user.account.as_ref().ok());
    let ids: Vec<_> = accounts.map(|account| account.id.clone()).collect();
    let records = store.get_many(&ids)?.into_iter();
    Ok(records.map(|record| Some(record).filter(|it| !is_miss(it))).collect())
}

fn is_miss(record: &Result<Record>) -> bool {
    record.as_ref().is_err_and(Error::is_miss)
}
