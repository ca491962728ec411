//! Imports credentials. An import never replaces what a store holds, so that it can be repeated.

use std::fs::File;
use std::io;

use clap::{ArgMatches, Command};
use keyward_core::{Error, ErrorKind, Result, Secret, Timestamp};

use super::{Entry, Session};
use crate::output::harmless;
use crate::stop::{Outcome, Stop, code_of};

mod accounts;
mod git_credentials;
mod git_helper;
mod pycred;

pub(super) const ENTRY: Entry = Entry {
    name: "import",
    about: "Import credentials from another system",
    example: "keyward import git-credentials ~/.git-credentials\nkeyward import pycred ~/.pycred --dry-run",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(git_credentials::command())
        .subcommand(git_helper::command())
        .subcommand(pycred::command())
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    match matches.subcommand() {
        Some(("git-credentials", matches)) => git_credentials::run(session, matches),
        Some(("git-helper", matches)) => git_helper::run(session, matches),
        Some(("pycred", matches)) => pycred::run(session, matches),
        _ => Ok(()),
    }
}

/// Returns the content of a file, and when it was written.
fn read_secret(file: File, limit: usize) -> Result<(Secret, Timestamp)> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => Error::corrupt("read").because("the file is too large"),
        _ => Error::io("read", error),
    };
    let written = file.metadata().and_then(|data| data.modified()).map_err(failed)?;
    Ok((Secret::read_from(file, limit).map_err(failed)?, written.into()))
}

/// Returns the error for an entry that exists and has other content.
fn conflict(whose: &str) -> Error {
    Error::new(ErrorKind::Conflict, "import")
        .because(format!("the store contains other credentials for this {whose}, which stay"))
}

/// Returns the outcome of the whole import: the highest exit code of its parts.
fn end(code: u8) -> Outcome {
    match code {
        0 => Ok(()),
        code => Err(Stop::Code(code, "error: not everything was imported, see above".into())),
    }
}

/// Returns the exit code for something that was not imported. Everything that is wrong with the
/// other system's data has the same exit code.
fn code(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::Invalid | ErrorKind::Unsupported => 6,
        kind => code_of(kind),
    }
}

/// Returns why something was not imported, and what to do about it.
fn why(error: &Error) -> String {
    let hint = error.advice().map(|hint| format!(" ({hint})")).unwrap_or_default();
    harmless(&format!("{}{hint}", error.message()))
}
