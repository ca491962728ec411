mod records;

use keyward::{Keyward, OpenStore};
use keyward_core::EntryId;
use serde_json::json;

use super::Run;
use crate::candidates;
use crate::exit::each;
use crate::output::{Lines, escape_if_terminal, print};
use crate::session::Session;
use crate::stop::{Outcome, usage_error};
use records::Selection;

/// List the stores, or the entries of one
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward list
  keyward list work --json
  keyward list work --kind token --where team=web --sort expires --long")]
pub(super) struct Arguments {
    /// List the entries of this store, without decrypting any unless another option needs that
    #[arg(add = candidates::stores())]
    store: Option<String>,
    /// List only the entries of this user
    #[arg(short, long, value_name = "U")]
    user: Option<String>,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    selection: Selection,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        let (user, json) = (self.user.as_deref(), self.json);
        match &self.store {
            Some(store) if self.selection.needs_records() => {
                self.selection.list(&stores(&keyward, store, user)?, user, json)
            }
            Some(store) => list_entries(&keyward, store, user, json),
            None if user.is_some() => Err(usage_error("--user needs a STORE")),
            None => list_stores(&keyward, json),
        }
    }
}

fn list_stores(keyward: &Keyward, json: bool) -> Outcome {
    for name in keyward.store_names()? {
        match json {
            true => print(&json!({ "store": name.as_str() }).to_string())?,
            false => print(&escape_if_terminal(name.as_str()))?,
        }
    }
    Ok(())
}

/// Opens a store: for one user, or for all whose entries the caller may list.
fn stores(keyward: &Keyward, store: &str, user: Option<&str>) -> Outcome<Vec<OpenStore>> {
    Ok(match user {
        Some(_) => vec![keyward.store_of(store, user)?],
        None => keyward.stores_of_all(store)?,
    })
}

fn list_entries(keyward: &Keyward, store: &str, user: Option<&str>, json: bool) -> Outcome {
    let stores = stores(keyward, store, user)?;
    let mut lines = Lines::new();
    let outcome =
        each(stores, |store| store.entries(user).try_for_each(|id| lines.print(&line(&id?, json))));
    // The entries that were found before the storage failed are shown as well.
    lines.end()?;
    outcome
}

/// Returns the user, and after a tab the name if the entry has one.
fn line(id: &EntryId, json: bool) -> String {
    match (json, id.name()) {
        (true, name) => json!({ "user": id.user(), "name": name }).to_string(),
        (false, None) => escape_if_terminal(id.user()),
        (false, Some(name)) => {
            format!("{}\t{}", escape_if_terminal(id.user()), escape_if_terminal(name))
        }
    }
}
