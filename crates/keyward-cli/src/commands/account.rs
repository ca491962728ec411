//! Lists the accounts of origins, chooses the default one, and forgets one.

use std::collections::BTreeSet;

use clap::{Arg, ArgMatches, Command};
use keyward::OpenStore;
use keyward_accounts::{Accounts, Kinds, Listed};
use keyward_core::{EntryId, Origin, Record, Result};
use keyward_origin::Location;
use serde_json::json;

use super::{Entry, Session, missing};
use crate::arguments::{self, switch, text};
use crate::output::{Lines, shown};
use crate::stop::{Outcome, usage};

pub(super) const ENTRY: Entry = Entry {
    name: "account",
    about: "List the accounts that helpers use, choose the default account, or forget one",
    example: "keyward account list git\n\
              keyward account default git https://ann@github.com\n\
              keyward account rm git https://bob@github.com",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    let list = Command::new("list")
        .about("List the accounts of one origin, or of all origins, the oldest first")
        .after_help("Example:\n  keyward account list git https://github.com")
        .arg(arguments::store())
        .arg(url("List only the accounts of this origin").required(false))
        .arg(arguments::user().help("The user of the accounts [default: you]"))
        .arg(arguments::json().help("Print one JSON object per line"));
    let default = Command::new("default")
        .about("Choose the account to use when a request names none")
        .after_help("Example:\n  keyward account default git https://ann@github.com\n  keyward account default git https://github.com --none")
        .arg(arguments::store())
        .arg(url("The account: https://ACCOUNT@HOST"))
        .arg(switch("none", "Choose no account, so that the oldest one is used again"))
        .arg(arguments::user().help("The user of the accounts [default: you]"));
    let rm = Command::new("rm")
        .about("Forget an account, with its credentials for single paths")
        .after_help("Example:\n  keyward account rm git https://bob@github.com")
        .arg(arguments::store())
        .arg(url(
            "The account: https://ACCOUNT@HOST; with a path, only its credentials for that path",
        ))
        .arg(arguments::user().help("The user of the account [default: you]"));
    let command = command.subcommand_required(true).arg_required_else_help(true);
    command.subcommands([list, default, rm])
}

fn url(help: &'static str) -> Arg {
    Arg::new("url").value_name("URL").required(true).help(help)
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    match matches.subcommand() {
        Some(("list", matches)) => list(session, matches),
        Some(("default", matches)) => default(session, matches),
        Some(("rm", matches)) => rm(session, matches),
        _ => Ok(()),
    }
}

fn list(session: &Session, matches: &ArgMatches) -> Outcome {
    let origin = text(matches, "url").map(keyward_origin::parse).transpose()?;
    let (store, user) = session.store(matches)?;
    let origins = match origin {
        Some(origin) => BTreeSet::from([origin]),
        None => origins(&store, &user)?,
    };
    let mut lines = Lines::new();
    for origin in origins {
        for listed in Accounts::new(&store.store, &user).list(&origin)? {
            let id = EntryId::new(&user, Some(&listed.location.to_string()))?;
            // `unset` may have removed it.
            if store.store.contains(&id)? {
                lines.print(&line(&listed, matches.get_flag("json")))?;
            }
        }
    }
    lines.end()
}

/// Returns the origins that are the name of an entry.
fn origins(store: &OpenStore, user: &str) -> Result<BTreeSet<Origin>> {
    let mut origins = BTreeSet::new();
    for id in store.store.entries(Some(user)) {
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
    format!("{location}\t{}{chosen}", shown(kind))
}

fn default(session: &Session, matches: &ArgMatches) -> Outcome {
    let location = location(matches)?;
    if location.path().is_some() {
        return Err(usage("the default account is for a whole origin: leave the path out"));
    }
    let account = match (location.account(), matches.get_flag("none")) {
        (None, false) => return Err(which()),
        (Some(_), true) => return Err(usage("--none needs a URL that names no account")),
        (account, _) => account,
    };
    let (store, user) = session.store(matches)?;
    let accounts = Accounts::new(&store.store, &user);
    Ok(accounts.set_default(location.origin(), account, store.now())?)
}

fn rm(session: &Session, matches: &ArgMatches) -> Outcome {
    let location = location(matches)?;
    let Some(account) = location.account() else { return Err(which()) };
    let (store, user) = session.store(matches)?;
    let accounts = Accounts::new(&store.store, &user);
    // A record may have no account at all; its entry is named as if the account were empty.
    let wanted = Some(account).filter(|account| !account.is_empty());
    let wanted = Location::new(location.origin().clone(), wanted, location.path())?;
    let has_no_username =
        |record: &Record| record.field("username").is_none_or(|field| field.value.is_empty());
    let is_selected = |record: &Record| !account.is_empty() || has_no_username(record);
    match accounts.forget(&wanted, Kinds::Any, store.now(), &is_selected)? {
        0 => Err(missing(&EntryId::new(&user, Some(&location.to_string()))?, &store)),
        _ => Ok(()),
    }
}

fn location(matches: &ArgMatches) -> Result<Location> {
    Location::parse(text(matches, "url").unwrap_or_default())
}

fn which() -> crate::stop::Stop {
    usage("the URL must name the account: https://ACCOUNT@HOST")
}
