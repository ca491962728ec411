use clap::{Arg, ArgMatches, Command};
use keyward::Credentials;

use super::{Entry, Session};
use crate::arguments::{self, text};
use crate::exit::Outcome;
use crate::password;

pub(super) const ENTRY: Entry = Entry {
    name: "set",
    about: "Keep a username and a password",
    example: "keyward set work ann\nprintf s3cret | keyward set work ann --stdin",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    let username = Arg::new("username").value_name("USERNAME").required(true).help("The username");
    password::arguments(arguments::entry(command.arg(arguments::store()).arg(username)))
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    let (store, id) = session.entry(matches)?;
    let password = password::read(matches, &session.console)?;
    store.set(&id, &Credentials::new(text(matches, "username").unwrap_or_default(), password))?;
    Ok(())
}
