use clap::{Arg, ArgMatches, Command};
use keyward::Credentials;
use keyward_accounts::Accounts;
use keyward_core::{Error, Result, Secret};
use keyward_origin::Location;

use super::{Entry, Session};
use crate::arguments::{self, text};
use crate::password;
use crate::stop::Outcome;

pub(super) const ENTRY: Entry = Entry {
    name: "set",
    about: "Store a username and a password",
    example: "keyward set work ann\nprintf s3cret | keyward set work ann --stdin\nkeyward set git ann --origin https://example.com",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    let username = Arg::new("username").value_name("USERNAME").required(true).help("The username");
    let origin =
        Arg::new("origin").long("origin").value_name("URL").conflicts_with("name").help(
            "Store an account of this origin, such as https://example.com, for helpers to use",
        );
    let command = arguments::entry(command.arg(arguments::store()).arg(username));
    password::arguments(command.arg(origin))
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    let username = text(matches, "username").unwrap_or_default();
    if let Some(origin) = text(matches, "origin") {
        return set_account(session, matches, username, origin);
    }
    let (store, id) = session.entry(matches)?;
    let password = password::read(matches, &session.console)?;
    store.set(&id, &Credentials::new(username, password))?;
    Ok(())
}

fn set_account(session: &Session, matches: &ArgMatches, username: &str, origin: &str) -> Outcome {
    let location = Location::new(keyward_origin::parse(origin)?, Some(username), None)?;
    let (store, user) = session.store(matches)?;
    store.check_staying()?;
    let password = password::read(matches, &session.console)?;
    check_no_carriage_return(&password)?;
    let credentials = Credentials::new(username, password);
    Accounts::new(&store.store, &user)
        .keep(&location, store.now(), &|old| credentials.replace(old))?;
    Ok(())
}

/// Refuses a password that ends with a carriage return. A line that ends with CR LF leaves one
/// after the shell has removed the LF, and git's protocol cannot carry it: git would fail each time
/// it asks for the password.
fn check_no_carriage_return(password: &Secret) -> Result<()> {
    if !password.expose().ends_with(b"\r") {
        return Ok(());
    }
    Err(Error::invalid("usage", "the password ends with a carriage return").hint(
        "Git's protocol cannot carry that; to store the password nevertheless, omit --origin",
    ))
}
