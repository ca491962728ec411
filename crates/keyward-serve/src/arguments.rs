//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Answer the questions of web and mail servers about their clients
///
/// SIGHUP reads the configuration again; SIGTERM ends the server after the open requests.
#[derive(Debug, Parser)]
#[command(
    name = "keyward-serve",
    version,
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
}
