//! Parses the command line and runs the command. It builds clap's arguments only for the chosen
//! command: to build those of all commands would take longer than the command itself.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::clipboard;
use crate::commands::{COMMANDS, Entry, Root, completions, helper, program};
use crate::console::Console;
use crate::output::print;
use crate::session::Session;
use crate::stop::Outcome;

/// Parses the command line and runs the command.
pub(crate) fn run(arguments: Vec<OsString>) -> Outcome {
    let arguments = helper::by_program_name(arguments);
    if let Some(outcome) = helper::run_call_of_setup(&arguments) {
        return outcome;
    }
    if clipboard::is_keeper(&arguments) {
        return clipboard::keep(&arguments);
    }
    if let Some(outcome) = completions::answer(&arguments) {
        return outcome;
    }
    let chosen = match parse(&arguments) {
        Ok(chosen) => chosen,
        Err(error) if error.use_stderr() => return Err(error.into()),
        Err(help) => return print(help.to_string().trim_end()),
    };
    let session = Session::new(words(&chosen), chosen.console);
    (chosen.entry.run)(&session, chosen.matches)
}

/// The chosen command and its arguments.
struct Chosen {
    entry: &'static Entry,
    matches: ArgMatches,
    console: Console,
}

/// Returns the words of the command: its name, and that of its subcommand if it has one.
fn words(chosen: &Chosen) -> String {
    match chosen.matches.subcommand_name() {
        Some(name) => format!("{} {name}", chosen.entry.name),
        None => chosen.entry.name.to_owned(),
    }
}

fn parse(arguments: &[OsString]) -> Result<Chosen, clap::Error> {
    let word =
        arguments.iter().skip(1).find(|argument| !argument.as_encoded_bytes().starts_with(b"-"));
    let entry = word.and_then(|word| COMMANDS.iter().find(|entry| word == entry.name));
    let root = match entry {
        Some(entry) => Root::command().subcommand(entry.command()),
        None => program(),
    };
    let mut matches = root.try_get_matches_from(arguments).map_err(|error| match entry {
        Some(entry) if entry.name == "set" => without_values(error),
        _ => error,
    })?;
    let root = Root::from_arg_matches_mut(&mut matches)?;
    let console =
        Console { verbosity: root.verbose, forbidden_by: root.no_input.then_some("--no-input") };
    let Some((name, matches)) = matches.remove_subcommand() else {
        let missing = clap::error::ErrorKind::MissingSubcommand;
        return Err(program().error(missing, "a command is needed"));
    };
    let entry = COMMANDS.iter().find(|entry| entry.name == name).expect("clap knows no others");
    Ok(Chosen { entry, matches, console })
}

/// Replaces every value that is not an option by `…` in an error about `set`: a misplaced value may
/// be a password.
fn without_values(mut error: clap::Error) -> clap::Error {
    for kind in [ContextKind::InvalidArg, ContextKind::InvalidValue] {
        let quoted =
            matches!(error.get(kind), Some(ContextValue::String(text)) if !text.starts_with('-'));
        if quoted {
            error.insert(kind, ContextValue::String("…".into()));
        }
    }
    error
}
