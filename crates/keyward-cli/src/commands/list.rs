use clap::{ArgMatches, Command};
use keyward_core::EntryId;
use serde_json::json;

use super::{Entry, Session};
use crate::arguments::{self, text};
use crate::exit::each;
use crate::output::{Lines, print, shown};
use crate::stop::{Outcome, usage};

pub(super) const ENTRY: Entry = Entry {
    name: "list",
    about: "List the stores, or the entries of one",
    example: "keyward list\nkeyward list work --json",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    command
        .arg(
            arguments::store()
                .required(false)
                .help("List the entries of this store, without decrypting any"),
        )
        .arg(arguments::user().help("List only the entries of this user"))
        .arg(arguments::json().help("Print one JSON object per line"))
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    let keyward = session.keyward()?;
    let json = matches.get_flag("json");
    let user = text(matches, "user");
    let Some(store) = text(matches, "store") else {
        if user.is_some() {
            return Err(usage("--user needs a STORE"));
        }
        for name in keyward.store_names()? {
            match json {
                true => print(&json!({ "store": name.as_str() }).to_string())?,
                false => print(&shown(name.as_str()))?,
            }
        }
        return Ok(());
    };
    let stores = match user {
        Some(_) => vec![keyward.store_of(store, user)?],
        None => keyward.stores_of_all(store)?,
    };
    let mut lines = Lines::new();
    let outcome = each(stores, |store| {
        store.store.entries(user).try_for_each(|id| lines.print(&line(&id?, json)))
    });
    // The entries that were found before the storage failed are shown as well.
    lines.end()?;
    outcome
}

/// Returns the user, and after a tab the name if the entry has one.
fn line(id: &EntryId, json: bool) -> String {
    match (json, id.name()) {
        (true, name) => json!({ "user": id.user(), "name": name }).to_string(),
        (false, None) => shown(id.user()),
        (false, Some(name)) => format!("{}\t{}", shown(id.user()), shown(name)),
    }
}
