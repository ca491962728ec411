use keyward_config::Interaction;
use keyward_core::Level;
use serde::Serialize;

use super::Run;
use crate::clipboard::ClipArguments;
use crate::generate::Rule;
use crate::json::write_secret;
use crate::output::print_secret;
use crate::session::Session;
use crate::stop::{Outcome, usage_error};

/// Print a random password
#[derive(clap::Parser)]
#[command(
    after_help = "The rule is a length, a set of characters (alnum, hex, digits or ascii), or both. Without a
length, the password has at least 128 bits of entropy; -v prints how many.
To store one without showing it, use `keyward set --generate`.

Example:
  keyward generate
  keyward generate hex:64"
)]
pub(super) struct Arguments {
    /// The length, the set, or SET:LENGTH [default: alnum]
    rule: Option<Rule>,
    /// Print JSON with the password and its entropy
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clip: ClipArguments,
}

/// A password and its entropy.
#[derive(Serialize)]
struct Generated<'a> {
    secret: Option<&'a str>,
    bits: usize,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let destination = self.clip.destination(session)?;
        if destination.is_clipboard() && self.json {
            return Err(usage_error("--clip takes one value: leave out --json"));
        }
        let rule = self.rule.unwrap_or_default();
        let secret = rule.secret()?;
        let bits = rule.bits();
        session
            .console
            .log(Level::Info, format_args!("the password has at least {bits} bits of entropy"));
        if self.json {
            let generated = Generated { secret: secret.expose_str(), bits };
            return print_secret(&write_secret(&generated)?, true);
        }
        destination.put(&secret, true)
    }
}
