//! Arguments that several commands take.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command};
use keyward_core::Role;

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

/// Parses the name of a role.
pub(crate) fn role() -> impl TypedValueParser<Value = Role> {
    let names = PossibleValuesParser::new(Role::ALL.map(Role::name));
    names.try_map(|name| Role::from_name(&name).ok_or("there is no such role"))
}
