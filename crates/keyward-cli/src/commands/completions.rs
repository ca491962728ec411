use clap::{Arg, ArgMatches, Command};
use clap_complete::Shell;

use super::{Entry, Session};
use crate::arguments::whole;
use crate::exit::Outcome;

pub(super) const ENTRY: Entry = Entry {
    name: "completions",
    about: "Print the completion script of a shell",
    example: "keyward completions bash > ~/.local/share/bash-completion/completions/keyward",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    command.arg(
        Arg::new("shell")
            .value_name("SHELL")
            .required(true)
            .value_parser(clap::value_parser!(Shell))
            .help("The shell"),
    )
}

fn run(_: &Session, matches: &ArgMatches) -> Outcome {
    let mut script = Vec::new();
    if let Some(shell) = matches.get_one::<Shell>("shell") {
        clap_complete::generate(*shell, &mut whole(), "keyward", &mut script);
    }
    crate::output::print(String::from_utf8_lossy(&script).trim_end())
}
