use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use keyward_core::Role;
use keyward_plugin_cli::new::{Crate, NAMES, Source};

use super::trust::this_program;
use crate::arguments::role;
use crate::output::{escape_if_terminal, print};
use crate::shell::quoted;
use crate::stop::Outcome;

/// Write a crate that contains a new, working backend
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward plugin new --role storage shelf keyward-storage-shelf
  keyward plugin new --role storage --template key-value bucket keyward-storage-bucket
  keyward plugin new --role authenticator example.token keyward-authenticator-token
  keyward plugin new --role checker example.users keyward-checker-users")]
pub(crate) struct Arguments {
    /// The role of the backend
    #[arg(long, value_parser = role())]
    role: Role,
    /// The backend that the crate starts with; `key-value` is a storage on a service that keeps values under keys
    #[arg(long, value_name = "NAME", default_value = NAMES[0], value_parser = PossibleValuesParser::new(NAMES))]
    template: String,
    /// The name of the backend in configuration
    name: String,
    /// The folder for the crate; it must be empty or not exist
    dir: PathBuf,
    /// The folder of Keyward's source, for the crate's dependencies [default: the one in which this program was built, or the registry of crates]
    #[arg(long, value_name = "FOLDER")]
    keyward: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let Arguments { role, template, name, dir, keyward } = arguments;
    let source = match keyward {
        Some(folder) => Source::in_folder(&folder)?,
        None => this_program().map_or(Source::Registry, |program| Source::of_program(&program)),
    };
    let from = match &source {
        Source::Folder(folder) => folder.display().to_string(),
        Source::Registry => {
            "the registry of crates; until they are published there, use --keyward FOLDER".into()
        }
    };
    Crate::new(role, &template, &name, source)?.write(&dir)?;
    print(&escape_if_terminal(&format!("Wrote the {role} {name} to {}", dir.display())))?;
    print(&escape_if_terminal(&format!("It takes Keyward's crates from {from}")))?;
    print(&escape_if_terminal(&format!("  cd {}", quoted(&dir.display().to_string()))))?;
    print("  cargo test")?;
    print(match role {
        // A library cannot provide it.
        Role::Authenticator | Role::Checker => "  cargo build",
        _ => "  keyward plugin build",
    })
}
