use super::Run;
use crate::session::Session;
use crate::stop::Outcome;

/// Copy an entry to another name, user or store
#[derive(clap::Parser)]
#[command(after_help = "The whole record is copied as it is.

Example:
  keyward copy keyward://work/ci keyward://archive/ci
  keyward copy keyward://work/ci 'keyward://work/ci?user=bob'")]
pub(super) struct Arguments {
    #[command(flatten)]
    entries: Entries,
}

/// The arguments of `copy` and `rename`.
#[derive(clap::Args)]
pub(super) struct Entries {
    /// The entry, as keyward://STORE/NAME, or keyward://STORE/ for the one without a name
    pub(super) from: String,
    /// The other entry, written in the same way
    pub(super) to: String,
    /// Replace the record of an entry that exists
    #[arg(long)]
    pub(super) force: bool,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let Entries { from, to, force } = self.entries;
        Ok(session.keyward()?.copy(&from.parse()?, &to.parse()?, force)?)
    }
}
