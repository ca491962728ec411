//! Answering other programs. Each of them may also call the program by a name of its own.

mod git;

use std::ffi::OsString;
use std::path::Path;

use clap::{ArgMatches, Command};

use super::{Entry, Session};
use crate::console::Console;
use crate::exit::Outcome;

pub(super) const ENTRY: Entry = Entry {
    name: "helper",
    about: "Answer another program that asks for credentials",
    example: "printf 'protocol=https\\nhost=example.com\\n' | keyward helper git get --store work",
    arguments,
    run,
};

/// The names by which other programs look for a helper, and the commands that they mean.
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

/// Answers a call as `keyward setup` writes it. Git waits meanwhile, and the tree of arguments would
/// be a tenth of all that the process computes.
pub(super) fn run_plain(arguments: &[OsString]) -> Option<Outcome> {
    let words: Option<Vec<_>> = arguments.iter().map(|word| word.to_str()).collect();
    let [_, "helper", "git", words @ ..] = words.as_deref()? else { return None };
    let session = Session { console: Console { verbosity: 0 } };
    Some(git::run(&session, &git::Asked::plain(words)?))
}

/// The arguments as they would be if the helper had been asked for as a command.
pub(crate) fn by_program_name(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let called = arguments.first().and_then(|program| Path::new(program).file_name());
    if let Some((_, tool)) = PROGRAMS.iter().find(|(name, _)| called == Some(name.as_ref())) {
        arguments.splice(..1, ["keyward", "helper", tool].map(OsString::from));
    }
    arguments
}
