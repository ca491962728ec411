//! Imports credentials. An import never replaces what a store holds unless the user says so, so that
//! it can be repeated.

use keyward_core::{Error, ErrorKind};

use super::Run;
use crate::output::escaped;
use crate::session::Session;
use crate::stop::{Outcome, Stop, exit_code};

mod accounts;
mod datalad;
mod entries;
mod git_credentials;
mod git_helper;
mod pancloud;
mod pycred;

/// Import credentials from another system
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward import git-credentials ~/.git-credentials
  keyward import pycred ~/.pycred --dry-run")]
pub(super) enum Command {
    Datalad(datalad::Arguments),
    GitCredentials(git_credentials::Arguments),
    GitHelper(git_helper::Arguments),
    Pancloud(pancloud::Arguments),
    Pycred(pycred::Arguments),
}

impl Run for Command {
    fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Datalad(arguments) => datalad::run(session, &arguments),
            Self::GitCredentials(arguments) => git_credentials::run(session, &arguments),
            Self::GitHelper(arguments) => git_helper::run(session, &arguments),
            Self::Pancloud(arguments) => pancloud::run(session, &arguments),
            Self::Pycred(arguments) => pycred::run(session, &arguments),
        }
    }
}

/// Returns the outcome of the whole import: the highest exit code of its parts.
fn outcome(code: u8) -> Outcome {
    match code {
        0 => Ok(()),
        code => Err(Stop::Code(code, "error: not everything was imported, see above".into())),
    }
}

/// Returns the exit code for something that was not imported. Everything that is wrong with the
/// other system's data has the same exit code.
fn exit_code_of(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::Invalid | ErrorKind::Unsupported => 6,
        kind => exit_code(kind),
    }
}

/// Returns why something was not imported, and what to do about it.
fn describe(error: &Error) -> String {
    let hint = error.advice().map(|hint| format!(" ({hint})")).unwrap_or_default();
    escaped(&format!("{}{hint}", error.message()))
}
