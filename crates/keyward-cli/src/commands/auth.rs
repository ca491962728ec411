//! `keyward auth`: checks users, as a server would, and keeps the files and stores of users that servers read.

mod authorized_keys;
mod chain;
mod check;
mod file;
mod matrix;
mod rehash;
mod sign;
mod users;

use super::Run;
use crate::session::Session;
use crate::stop::Outcome;

/// Check users with checkers, and keep files and stores of users
#[derive(clap::Parser)]
#[command(
    after_help = "A checker is written TYPE or TYPE:ARGS. `keyward auth check --help-auth` lists the types.

Example:
  keyward auth add ann --file /etc/users
  keyward auth check --auth htpasswd:/etc/users ann
  keyward auth matrix --auth htpasswd:/etc/users"
)]
pub(super) enum Command {
    /// Check a user's password or another credential
    Check(Box<check::Arguments>),
    /// Show which credentials the checkers can check
    Matrix(matrix::Arguments),
    Add(users::Add),
    Passwd(users::Passwd),
    Remove(users::Remove),
    List(users::List),
    Lint(users::Lint),
    AuthorizedKeys(authorized_keys::Arguments),
}

impl Run for Command {
    fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Check(arguments) => arguments.run(session),
            Self::Matrix(arguments) => arguments.run(session),
            Self::Add(arguments) => arguments.run(session),
            Self::Passwd(arguments) => arguments.run(session),
            Self::Remove(arguments) => arguments.run(session),
            Self::List(arguments) => arguments.run(session),
            Self::Lint(arguments) => arguments.run(session),
            Self::AuthorizedKeys(arguments) => arguments.run(session),
        }
    }
}
