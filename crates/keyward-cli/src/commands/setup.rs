//! Makes other programs ask Keyward.

mod git;

use clap::{ArgMatches, Command};

use super::{Entry, Session};
use crate::stop::Outcome;

pub(super) const ENTRY: Entry = Entry {
    name: "setup",
    about: "Make another program ask Keyward for credentials",
    example: "keyward setup git\nkeyward setup git --check",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    command.subcommand_required(true).arg_required_else_help(true).subcommand(git::command())
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    match matches.subcommand() {
        Some(("git", matches)) => git::run(session, matches),
        _ => Ok(()),
    }
}
