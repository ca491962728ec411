use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};
use clap_mangen::Man;
use keyward_core::Error;

use super::{Entry, Session};
use crate::commands::whole;
use crate::stop::{Outcome, Stop, hinted};

pub(super) const ENTRY: Entry = Entry {
    name: "man",
    about: "Print a manual page, or write all of them into a folder",
    example: "keyward man store verify | man -l -\nkeyward man --all ~/.local/share/man/man1",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    command
        .arg(
            Arg::new("command")
                .value_name("COMMAND")
                .num_args(0..)
                .help("The command [default: an overview of all commands]"),
        )
        .arg(
            Arg::new("all")
                .long("all")
                .value_name("FOLDER")
                .value_parser(clap::value_parser!(PathBuf))
                .conflicts_with("command")
                .help("Write a page for each command into this folder"),
        )
}

fn run(_: &Session, matches: &ArgMatches) -> Outcome {
    let mut program = whole();
    program.build();
    if let Some(folder) = matches.get_one::<PathBuf>("all") {
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(program, folder));
        return written.map_err(|error| Stop::Failed(Error::io("write", error)));
    }
    let mut command = &program;
    for name in matches.get_many::<String>("command").into_iter().flatten() {
        let missing = || {
            let names = command.get_subcommands().map(clap::Command::get_name);
            hinted(format!("there is no command `{}`", name.escape_debug()), name, names)
        };
        command = command.find_subcommand(name).ok_or_else(missing)?;
    }
    let mut roff = Vec::new();
    Man::new(command.clone()).render(&mut roff).map_err(|error| Error::io("render", error))?;
    crate::output::print(String::from_utf8_lossy(&roff).trim_end())
}
