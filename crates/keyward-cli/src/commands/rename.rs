use super::Run;
use super::copy::Entries;
use crate::session::Session;
use crate::stop::Outcome;

/// Rename an entry, or move it to another user or store
#[derive(clap::Parser)]
#[command(after_help = "The new entry is written before the old one is removed.

Example:
  keyward rename keyward://work/ci keyward://work/build")]
pub(super) struct Arguments {
    #[command(flatten)]
    entries: Entries,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let Entries { from, to, force } = self.entries;
        Ok(session.keyward()?.rename(&from.parse()?, &to.parse()?, force)?)
    }
}
