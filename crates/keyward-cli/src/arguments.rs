//! Parses the command line. It builds only the arguments of the chosen command: to build all of
//! them would take longer than the command's own work.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::commands::{COMMANDS, Entry};

/// The chosen command and its arguments.
pub(crate) struct Chosen {
    pub(crate) entry: &'static Entry,
    pub(crate) matches: ArgMatches,
    pub(crate) verbosity: u8,
}

/// Returns the root with all commands, for help, completions and man pages.
pub(crate) fn whole() -> Command {
    COMMANDS.iter().fold(root(), |root, entry| root.subcommand(tree(entry)))
}

pub(crate) fn parse(arguments: &[OsString]) -> Result<Chosen, clap::Error> {
    let named =
        arguments.iter().skip(1).find(|argument| !argument.as_encoded_bytes().starts_with(b"-"));
    let entry = named.and_then(|name| COMMANDS.iter().find(|entry| name == entry.name));
    let root = match entry {
        Some(entry) => root().subcommand(tree(entry)),
        None => whole(),
    };
    let mut matches = root.try_get_matches_from(arguments).map_err(|error| match entry {
        Some(entry) if entry.name == "set" => without_values(error),
        _ => error,
    })?;
    let Some((name, matches)) = matches.remove_subcommand() else {
        let missing = clap::error::ErrorKind::MissingSubcommand;
        return Err(whole().error(missing, "a command is needed"));
    };
    let entry = COMMANDS.iter().find(|entry| entry.name == name).expect("clap knows no others");
    let verbosity = matches.get_count("verbose");
    Ok(Chosen { entry, matches, verbosity })
}

/// Removes all values but flags from an error about `set`: a misplaced value may be a password.
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

fn root() -> Command {
    Command::new("keyward")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Keep credentials for people and programs")
        .after_help("`keyward help` shows the user guide.\n\nExample:\n  keyward init work\n  keyward set work ann\n  keyward get work -p")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .arg(
            Arg::new("verbose")
                .short('v')
                .long("verbose")
                .action(ArgAction::Count)
                .global(true)
                .help("Print more messages on standard error; repeat it for still more"),
        )
}

fn tree(entry: &Entry) -> Command {
    let command = Command::new(entry.name)
        .about(entry.about)
        .after_help(format!("Example:\n  {}", entry.example.replace('\n', "\n  ")));
    (entry.arguments)(command)
}

/// The argument that names a store.
pub(crate) fn store() -> Arg {
    Arg::new("store").value_name("STORE").required(true).help("The store")
}

/// The argument that names one or more stores.
pub(crate) fn stores() -> Arg {
    Arg::new("stores")
        .value_name("NAME")
        .required(true)
        .action(ArgAction::Append)
        .num_args(1..)
        .help("The stores")
}

/// Adds `--user` and `--name`, which select an entry of a store.
pub(crate) fn entry(command: Command) -> Command {
    command.arg(user()).arg(
        Arg::new("name")
            .long("name")
            .value_name("N")
            .help("The name of the entry [default: the entry without a name]"),
    )
}

/// `--user`.
pub(crate) fn user() -> Arg {
    Arg::new("user")
        .short('u')
        .long("user")
        .value_name("U")
        .help("The user of the entry [default: you]")
}

/// `--json`.
pub(crate) fn json() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON")
}

/// A flag without a value.
pub(crate) fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// Returns the text of an argument, if it was passed.
pub(crate) fn text<'a>(matches: &'a ArgMatches, name: &str) -> Option<&'a str> {
    matches.get_one::<String>(name).map(String::as_str)
}
