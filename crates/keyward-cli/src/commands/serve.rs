//! `keyward serve`: executes the program `keyward-serve`, in which an HTTP server is linked.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;

use keyward_config::program_beside;
use keyward_core::{Error, ErrorKind, Result};
use keyward_loader::Program;

use super::Run;
use crate::harden;
use crate::session::Session;
use crate::stop::Outcome;

/// The program, in the folder of this one.
const PROGRAM: &str = "keyward-serve";

/// Answer the questions of web and mail servers about their clients
#[derive(clap::Parser)]
#[command(
    after_help = "The arguments are those of the program keyward-serve, which is in the folder of this one:
`keyward serve -- --help` shows them.

Example:
  keyward serve --config /etc/keyward/serve.toml
  keyward serve --config serve.toml --check"
)]
pub(super) struct Arguments {
    /// The arguments of keyward-serve
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    arguments: Vec<OsString>,
}

impl Run for Arguments {
    fn run(self, _: &Session) -> Outcome {
        let program = find()?;
        harden::restore_core_limit();
        let error = std::process::Command::new(program.path()).args(&self.arguments).exec();
        Err(failed(format!("{PROGRAM} does not start: {error}")).into())
    }
}

/// Returns the program. It is trusted for its place, as this program is: only root and the user may
/// be able to replace it.
fn find() -> Result<Program> {
    let path = program_beside(PROGRAM).ok_or_else(|| {
        failed(format!("the program {PROGRAM} is not in the folder of this program"))
            .hint("`keyward help serve` says how to install it")
    })?;
    Program::in_place(&path)
}

fn failed(why: String) -> Error {
    Error::new(ErrorKind::Unavailable, "serve").because(why)
}
