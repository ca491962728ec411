use super::Run;
use crate::arguments::Profile;
use crate::clipboard::ClipArguments;
use crate::session::Session;
use crate::stop::Outcome;

/// Print the value that a reference names
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward read keyward://work/mail
  keyward read keyward://work/mail/username")]
pub(super) struct Arguments {
    /// keyward://STORE/NAME or keyward://STORE/NAME/FIELD
    reference: String,
    /// Print the bytes of the value, without a newline
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    clip: ClipArguments,
    #[command(flatten)]
    profile: Profile,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let reference = self.reference.parse()?;
        let destination = self.clip.destination(session)?;
        let keyward = self.profile.open(&destination.session(session))?;
        let value = keyward.fields(&[reference])?.remove(0)?.value;
        destination.put(&value, !self.raw)
    }
}
