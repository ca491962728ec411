use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_mangen::Man;
use keyward_core::{Error, printable};

use super::{COMMANDS, Run, program};
use crate::output::print;
use crate::session::Session;
use crate::stop::{Outcome, Stop, usage_error_with_hint};

/// Print a manual page, or write all of them into a folder
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward man store verify | man -l -
  keyward man --all ~/.local/share/man/man1")]
pub(super) struct Arguments {
    /// The command [default: an overview of all commands]
    #[arg(num_args = 0.., add = ArgValueCandidates::new(candidates))]
    command: Vec<String>,
    /// Write a page for each command into this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    all: Option<PathBuf>,
}

impl Run for Arguments {
    fn run(self, _: &Session) -> Outcome {
        let mut program = program();
        program.build();
        match &self.all {
            Some(folder) => write_all(program, folder),
            None => print_page(&program, &self.command),
        }
    }
}

/// Returns what completion offers: all commands.
fn candidates() -> Vec<CompletionCandidate> {
    COMMANDS.iter().map(|command| CompletionCandidate::new(command.name)).collect()
}

fn write_all(program: Command, folder: &Path) -> Outcome {
    let written =
        std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(program, folder));
    written.map_err(|error| Stop::Failed(Error::io("write", error)))
}

fn print_page(program: &Command, names: &[String]) -> Outcome {
    let mut command = program;
    for name in names {
        let missing = || {
            let names = command.get_subcommands().map(Command::get_name);
            usage_error_with_hint(format!("there is no command `{}`", printable(name)), name, names)
        };
        command = command.find_subcommand(name).ok_or_else(missing)?;
    }
    let mut roff = Vec::new();
    Man::new(command.clone()).render(&mut roff).map_err(|error| Error::io("render", error))?;
    print(String::from_utf8_lossy(&roff).trim_end())
}
