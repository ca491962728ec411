//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::mail::checkpassword::Checkpassword;

/// Answer the questions of web and mail servers about their clients
///
/// SIGHUP reads the configuration again; SIGTERM ends the server after the open requests.
#[derive(Debug, Parser)]
#[command(
    name = "keyward-serve",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Example:
  keyward serve --config /etc/keyward/serve.toml
  keyward serve --config serve.toml --check"
)]
pub(crate) struct Arguments {
    /// Read this configuration [default: serve.toml in the folder of Keyward's configuration]
    #[arg(long, value_name = "F")]
    pub(crate) config: Option<PathBuf>,
    /// Open everything that the configuration names, except the listeners, and exit
    #[arg(long)]
    pub(crate) check: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What else the program does.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Checkpassword(Checkpassword),
}
