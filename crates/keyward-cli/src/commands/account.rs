//! Lists the accounts of origins, chooses the default one, and removes one.

use std::collections::BTreeSet;

use keyward::OpenStore;
use keyward_accounts::{Accounts, Kinds, Listed};
use keyward_core::{EntryId, Origin, Record, Result};
use keyward_kinds::fields;
use keyward_origin::Location;
use serde_json::json;

use super::Run;
use crate::arguments::{StoreAndUser, missing_entry};
use crate::output::{Lines, escape_if_terminal};
use crate::session::Session;
use crate::stop::{Outcome, Stop, usage_error};

/// List the accounts that helpers use, choose the default account, or remove one
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward account list git
  keyward account default git https://ann@github.com
  keyward account rm git https://bob@github.com")]
pub(super) enum Command {
    /// List the accounts of one origin, or of all origins, the oldest first
    #[command(after_help = "Example:
  keyward account list git https://github.com")]
    List {
        #[command(flatten)]
        owner: StoreAndUser,
        /// List only the accounts of this origin
        url: Option<String>,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Choose the account to use when a request names none
    #[command(after_help = "Example:
  keyward account default git https://ann@github.com
  keyward account default git https://github.com --none")]
    Default {
        #[command(flatten)]
        owner: StoreAndUser,
        /// The account: https://ACCOUNT@HOST
        url: String,
        /// Choose no account, so that the oldest one is used again
        #[arg(long)]
        none: bool,
    },
    /// Remove an account and its credentials for single paths
    #[command(after_help = "Example:
  keyward account rm git https://bob@github.com")]
    Rm {
        #[command(flatten)]
        owner: StoreAndUser,
        /// The account: https://ACCOUNT@HOST; with a path, only its credentials for that path
        url: String,
    },
}

impl Run for Command {
    fn run(self, session: &Session) -> Outcome {
        match self {
            Self::List { owner, url, json } => list(session, &owner, url.as_deref(), json),
            Self::Default { owner, url, none } => set_default(session, &owner, &url, none),
            Self::Rm { owner, url } => remove(session, &owner, &url),
        }
    }
}

fn list(session: &Session, owner: &StoreAndUser, url: Option<&str>, json: bool) -> Outcome {
    let origin = url.map(keyward_origin::parse).transpose()?;
    let (store, user) = owner.open(session)?;
    let origins = match origin {
        Some(origin) => BTreeSet::from([origin]),
        None => origins(&store, &user)?,
    };
    let mut lines = Lines::new();
    for origin in origins {
        for listed in Accounts::new(&*store, &user).list(&origin)? {
            let id = EntryId::new(&user, Some(&listed.location.to_string()))?;
            // `unset` may have removed it.
            if store.contains(&id)? {
                lines.print(&line(&listed, json))?;
            }
        }
    }
    lines.end()
}

/// Returns the origins that are the name of an entry.
fn origins(store: &OpenStore, user: &str) -> Result<BTreeSet<Origin>> {
    let mut origins = BTreeSet::new();
    for id in store.entries(Some(user)) {
        let id = id?;
        let name = id.name_or_empty();
        origins.extend(keyward_origin::parse(name).ok().filter(|it| it.to_string() == name));
    }
    Ok(origins)
}

/// Returns a line: the name of the entry, the kind of its record, and `default` if it is the
/// default account.
fn line(listed: &Listed, json: bool) -> String {
    let Listed { location, kind, is_default } = listed;
    if json {
        let (origin, account, path) = (location.origin(), location.account(), location.path());
        return json!({
            "name": location.to_string(),
            "origin": origin.to_string(),
            "account": account,
            "path": path,
            "kind": kind,
            "default": is_default,
        })
        .to_string();
    }
    let chosen = if *is_default { "\tdefault" } else { "" };
    format!("{location}\t{}{chosen}", escape_if_terminal(kind))
}

fn set_default(session: &Session, owner: &StoreAndUser, url: &str, none: bool) -> Outcome {
    let location = Location::parse(url)?;
    if location.path().is_some() {
        return Err(usage_error("the default account is for a whole origin: leave the path out"));
    }
    let account = match (location.account(), none) {
        (None, false) => return Err(no_account()),
        (Some(_), true) => return Err(usage_error("--none needs a URL that names no account")),
        (account, _) => account,
    };
    let (store, user) = owner.open(session)?;
    let accounts = Accounts::new(&*store, &user);
    Ok(accounts.set_default(location.origin(), account, store.now())?)
}

fn remove(session: &Session, owner: &StoreAndUser, url: &str) -> Outcome {
    let location = Location::parse(url)?;
    let Some(account) = location.account() else { return Err(no_account()) };
    let (store, user) = owner.open(session)?;
    let accounts = Accounts::new(&*store, &user);
    // A record may have no account at all; its entry is named as if the account were empty.
    let wanted = Some(account).filter(|account| !account.is_empty());
    let wanted = Location::new(location.origin().clone(), wanted, location.path())?;
    let has_no_username =
        |record: &Record| record.field(fields::USERNAME).is_none_or(|field| field.value.is_empty());
    let is_selected = |record: &Record| !account.is_empty() || has_no_username(record);
    match accounts.forget(&wanted, Kinds::Any, store.now(), &is_selected)? {
        0 => Err(missing_entry(&EntryId::new(&user, Some(&location.to_string()))?, &store)),
        _ => Ok(()),
    }
}

fn no_account() -> Stop {
    usage_error("the URL must name the account: https://ACCOUNT@HOST")
}
