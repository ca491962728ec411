//! `keyward auth`: checks users, as a server would.

mod chain;
mod check;
mod matrix;

use super::Run;
use crate::session::Session;
use crate::stop::Outcome;

/// Check users with checkers, and keep files of users
#[derive(clap::Parser)]
#[command(after_help = "A checker is written TYPE or TYPE:ARGS. --help-auth lists the types.

Example:
  keyward auth check --auth htpasswd:/etc/users ann
  keyward auth matrix --auth htpasswd:/etc/users")]
pub(super) enum Command {
    /// Check a user's password or another credential
    Check(Box<check::Arguments>),
    /// Show which credentials the checkers can check
    Matrix(matrix::Arguments),
}

impl Run for Command {
    fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Check(arguments) => arguments.run(session),
            Self::Matrix(arguments) => arguments.run(session),
        }
    }
}
