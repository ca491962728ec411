//! Makes other programs ask Keyward.

mod git;

use super::Run;
use crate::session::Session;
use crate::stop::Outcome;

/// Make another program ask Keyward for credentials
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward setup git
  keyward setup git --check")]
pub(super) enum Command {
    Git(git::Arguments),
}

impl Run for Command {
    fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Git(arguments) => git::run(session, &arguments),
        }
    }
}
