//! Reading the command line. Only the tree of the chosen command is built: the whole of it would
//! take longer than the work.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::commands::{COMMANDS, Entry};

/// A command that was chosen, and what it was told.
pub(crate) struct Chosen {
    pub(crate) entry: &'static Entry,
    pub(crate) matches: ArgMatches,
    pub(crate) verbosity: u8,
}

/// The root with all commands, for help, completions and man pages.
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

/// A complaint about `set` that quotes nothing but flags: what is wrong there may be a password.
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
        .about("Keeps credentials and proves them")
        .after_help("`keyward help` is the user guide.\n\nExample:\n  keyward init work\n  keyward set work ann\n  keyward get work -p")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .arg(
            Arg::new("verbose")
                .short('v')
                .long("verbose")
                .action(ArgAction::Count)
                .global(true)
                .help("Say more on standard error; twice for still more"),
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

/// The argument that names one store or several.
pub(crate) fn stores() -> Arg {
    Arg::new("stores")
        .value_name("NAME")
        .required(true)
        .action(ArgAction::Append)
        .num_args(1..)
        .help("The stores")
}

/// `--user` and `--name`, which choose an entry of a store.
pub(crate) fn entry(command: Command) -> Command {
    command.arg(user()).arg(
        Arg::new("name")
            .long("name")
            .value_name("N")
            .help("The entry of this name instead of the one without"),
    )
}

/// `--user`.
pub(crate) fn user() -> Arg {
    Arg::new("user").short('u').long("user").value_name("U").help("Whose entry [default: you]")
}

/// `--json`.
pub(crate) fn json() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON")
}

/// A switch.
pub(crate) fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// The text of an argument, if it was given.
pub(crate) fn text<'a>(matches: &'a ArgMatches, name: &str) -> Option<&'a str> {
    matches.get_one::<String>(name).map(String::as_str)
}
