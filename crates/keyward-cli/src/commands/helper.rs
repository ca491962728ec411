//! Answers other programs. Each of them may also call the program by a separate name.

mod git;

use std::ffi::OsString;
use std::path::Path;

use clap::{ArgMatches, Command};

use super::{Entry, Session};
use crate::console::Console;
use crate::stop::Outcome;

pub(super) const ENTRY: Entry = Entry {
    name: "helper",
    about: "Answer another program that asks for credentials",
    example: "printf 'protocol=https\\nhost=example.com\\n' | keyward helper git get --store work",
    arguments,
    run,
};

/// The program names by which other programs call a helper, and the helper's command.
const PROGRAMS: &[(&str, &str)] = &[("git-credential-keyward", "git")];

fn arguments(command: Command) -> Command {
    command.subcommand_required(true).arg_required_else_help(true).subcommand(git::command())
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    match matches.subcommand() {
        Some(("git", matches)) => git::run(session, &matches.into()),
        _ => Ok(()),
    }
}

/// Answers a call in the form that `keyward setup` writes. It does not build the tree of arguments:
/// git waits meanwhile, and the tree would take a tenth of the time that the process computes.
pub(crate) fn run_plain(arguments: &[OsString]) -> Option<Outcome> {
    let words: Option<Vec<_>> = arguments.iter().map(|word| word.to_str()).collect();
    let [_, "helper", "git", words @ ..] = words.as_deref()? else { return None };
    let session = Session { console: Console { verbosity: 0 } };
    Some(git::run(&session, &git::Asked::plain(words)?))
}

/// Replaces the program name of a helper by the helper's command.
pub(crate) fn by_program_name(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let called = arguments.first().and_then(|program| Path::new(program).file_name());
    if let Some((_, tool)) = PROGRAMS.iter().find(|(name, _)| called == Some(name.as_ref())) {
        arguments.splice(..1, ["keyward", "helper", tool].map(OsString::from));
    }
    arguments
}
