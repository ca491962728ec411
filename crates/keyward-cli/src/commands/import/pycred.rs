//! Imports each of PyCred's stores into a store of the same name.

use std::path::PathBuf;

use keyward::{Credentials, Keyward, NewStore, OpenStore, StoreName};
use keyward_core::{Error, Expect, Record};

use super::{conflict, end};
use crate::output::print;
use crate::session::Session;
use crate::stop::Outcome;
use installation::{Account, Content, Found, User};
use report::Report;

mod installation;
mod report;

/// Import each of PyCred's stores into a store of the same name; PyCred's files stay as they are
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward import pycred ~/.pycred --dry-run
  keyward import pycred ~/.pycred")]
pub(crate) struct Arguments {
    /// PyCred's home, such as ~/.pycred, or its folder of stores
    dir: PathBuf,
    /// A prefix for the names of the new stores
    #[arg(long, value_name = "P", default_value = "", hide_default_value = true)]
    prefix: String,
    /// Open all of PyCred's records, but write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object per line, one for each store
    #[arg(long)]
    json: bool,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Outcome {
    let &Arguments { ref dir, ref prefix, dry_run, json } = arguments;
    let keyward = session.keyward()?;
    let import = Import { keyward: &keyward, prefix, dry_run };
    let (mut code, mut imported) = (0, 0);
    for found in installation::stores(dir, &keyward.config().places().home)? {
        let report = import.store(found);
        print(&if json { report.json() } else { report.text() })?;
        code = code.max(report.code());
        imported += report.imported.len();
    }
    if imported > 0 && !json && !dry_run {
        print("PyCred's files are unchanged; `pycred rm` removes them.")?;
    }
    end(code)
}

struct Import<'a> {
    keyward: &'a Keyward,
    prefix: &'a str,
    dry_run: bool,
}

impl Import<'_> {
    fn store(&self, found: Found) -> Report {
        let mut report = Report::new(&found.name, self.prefix, self.dry_run);
        if let Err(error) = self.fill(&mut report, found) {
            report.failed = Some(error);
        }
        report
    }

    fn fill(&self, report: &mut Report, found: Found) -> Result<(), Error> {
        let users = match found.content? {
            Content::Users(users) => users,
            Content::Fleeting => {
                report.note = Some("PyCred kept it in memory".into());
                return Ok(());
            }
            Content::Nowhere(path) => {
                report.note = Some(format!("{} is not there", path.display()));
                Vec::new()
            }
        };
        let nothing_opens = !users.is_empty() && users.iter().all(|user| user.account.is_err());
        let store = self.target(report, nothing_opens)?;
        for User { name, account } in users {
            match account.and_then(|account| self.add(store.as_ref(), &account)) {
                Ok(true) => report.imported.push(name),
                Ok(false) => report.present.push(name),
                Err(error) => report.refused.push((name, error)),
            }
        }
        Ok(())
    }

    /// Returns the store to import into: an existing one, or a new one if anything can be imported.
    fn target(&self, report: &mut Report, nothing_opens: bool) -> Result<Option<OpenStore>, Error> {
        let name = StoreName::new(&report.into)?;
        if self.keyward.config().find_store(&name)?.is_none() {
            if nothing_opens || self.dry_run {
                report.made = !nothing_opens;
                return Ok(None);
            }
            self.keyward.init_store(&NewStore::named(name.as_str())?)?;
            report.made = true;
        }
        let store = self.keyward.store(name.as_str())?;
        store.check_staying()?;
        Ok(Some(store))
    }

    /// Adds an account unless the store has it, and returns whether it added the account. It never
    /// replaces anything, so that an import can be repeated.
    fn add(&self, store: Option<&OpenStore>, account: &Account) -> Result<bool, Error> {
        let Some(store) = store else { return Ok(true) };
        let credentials =
            Credentials::new(account.login.username.as_str(), account.login.password.clone());
        match store.get(&account.id)? {
            Some(kept) if kept == credentials => return Ok(false),
            Some(_) => return Err(conflict("user")),
            None => {}
        }
        if !self.dry_run {
            let mut record = Record::from(&credentials);
            record.created = account.written;
            record.updated = account.written;
            store.store.put(&account.id, &record, Expect::Absent)?;
        }
        Ok(true)
    }
}
