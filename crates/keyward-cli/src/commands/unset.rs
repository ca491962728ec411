use clap::{ArgMatches, Command};
use keyward_config::Interaction;
use keyward_core::Level;

use super::{Entry, Session, missing};
use crate::arguments;
use crate::exit::Outcome;

pub(super) const ENTRY: Entry = Entry {
    name: "unset",
    about: "Forget a username and a password",
    example: "keyward unset work --user bob",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    arguments::entry(command.arg(arguments::store()))
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    let (store, id) = session.entry(matches)?;
    let (user, name) = (id.user().escape_debug(), &store.file.name);
    session.console.log(
        Level::Info,
        format_args!("unsetting credentials for user `{user}` in store `{name}`"),
    );
    match store.unset(&id) {
        Err(error) if error.is_miss() => Err(missing(&id, &store)),
        other => Ok(other?),
    }
}
