//! Backends that are not part of the program: trusting them, and looking at those that are.

mod forget;
mod list;
mod show;
mod trust;

use clap::{ArgMatches, Command};

use super::{Entry, Session};
use crate::exit::Outcome;

pub(super) const ENTRY: Entry = Entry {
    name: "plugin",
    about: "Trust backends that are libraries or programs of their own, and look at them",
    example: "keyward plugin trust /usr/lib/keyward/libshelf.so\nkeyward plugin list",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(trust::command())
        .subcommand(list::command())
        .subcommand(show::command())
        .subcommand(forget::command())
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    match matches.subcommand() {
        Some(("trust", matches)) => trust::run(session, matches),
        Some(("list", matches)) => list::run(session, matches),
        Some(("show", matches)) => show::run(session, matches),
        Some(("forget", matches)) => forget::run(session, matches),
        _ => Ok(()),
    }
}
