//! `keyward keycards`: who is logged in at the bouncers of `keyward serve`.

use std::path::PathBuf;

use keyward_bouncer::{Keycard, KeycardId, Remote, Selection};
use keyward_core::{Timestamp, printable};
use serde_json::json;

use super::Run;
use crate::json::rfc3339;
use crate::output::{Lines, escape_if_terminal, print, print_message};
use crate::session::Session;
use crate::stop::Outcome;

/// Show who is logged in at a bouncer of `keyward serve`, and end that
#[derive(clap::Parser)]
#[command(
    after_help = "They ask the server over the Unix socket that `listen` in the section [rpc] of its
configuration names. Root, the user of the server, and the users in `administrators` may do that.

Example:
  keyward keycards list office
  keyward keycards revoke office --user ann
  keyward keycards disable office"
)]
pub(super) enum Command {
    /// List the live keycards of a bouncer
    #[command(after_help = "Example:
  keyward keycards list office
  keyward keycards list office --user ann --json")]
    List {
        #[command(flatten)]
        bouncer: Bouncer,
        /// Only those of this user
        #[arg(long, value_name = "USER")]
        user: Option<String>,
        /// Print JSON, one object to a line
        #[arg(long)]
        json: bool,
    },
    /// Take keycards back: their clients are refused at the next request
    #[command(after_help = "Example:
  keyward keycards revoke office --user ann
  keyward keycards revoke office --id 8d969eef6ecad3c29a3a629280e686cf")]
    Revoke {
        #[command(flatten)]
        bouncer: Bouncer,
        #[command(flatten)]
        which: Which,
    },
    /// Let clients in again, who must log in again
    #[command(after_help = "Example:
  keyward keycards enable office")]
    Enable {
        #[command(flatten)]
        bouncer: Bouncer,
    },
    /// Let no client in until the bouncer is enabled, and end all its keycards
    #[command(after_help = "Example:
  keyward keycards disable office")]
    Disable {
        #[command(flatten)]
        bouncer: Bouncer,
    },
}

#[derive(clap::Args)]
pub(super) struct Bouncer {
    /// The name of the bouncer
    bouncer: String,
    /// The socket of the server
    #[arg(long, value_name = "PATH", default_value = "/run/keyward/rpc.sock")]
    socket: PathBuf,
}

impl Bouncer {
    fn remote(&self) -> Remote {
        Remote::new(&self.socket)
    }
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Which {
    /// The keycard with this id
    #[arg(long, value_name = "ID", value_parser = id)]
    id: Option<KeycardId>,
    /// All keycards of this user
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// All keycards of the bouncer
    #[arg(long)]
    all: bool,
}

fn id(text: &str) -> Result<KeycardId, String> {
    KeycardId::parse(text).map_err(|error| error.message().to_owned())
}

impl From<Which> for Selection {
    fn from(which: Which) -> Self {
        match (which.id, which.user) {
            (Some(id), _) => Self::Id(id),
            (None, Some(user)) => Self::User(user),
            (None, None) => Self::All,
        }
    }
}

impl Run for Command {
    fn run(self, _: &Session) -> Outcome {
        match self {
            Self::List { bouncer, user, json } => {
                let selection = user.map_or(Selection::All, Selection::User);
                list(&bouncer.remote().list(&bouncer.bouncer, &selection)?, json)
            }
            Self::Revoke { bouncer, which } => {
                let number = bouncer.remote().revoke(&bouncer.bouncer, &which.into())?;
                let keycards = if number == 1 { "keycard" } else { "keycards" };
                print_message(&format!("revoked {number} {keycards}"));
                Ok(())
            }
            Self::Enable { bouncer } => {
                bouncer.remote().enable(&bouncer.bouncer)?;
                print_message(&format!("{} lets clients in", printable(&bouncer.bouncer)));
                Ok(())
            }
            Self::Disable { bouncer } => {
                bouncer.remote().disable(&bouncer.bouncer)?;
                print_message(&format!("{} lets no client in", printable(&bouncer.bouncer)));
                Ok(())
            }
        }
    }
}

fn list(keycards: &[Keycard], json: bool) -> Outcome {
    if json {
        return keycards.iter().try_for_each(|card| print(&json!(card).to_string()));
    }
    let mut lines = Lines::new();
    for card in keycards {
        let name = card.identity.as_deref().unwrap_or("-");
        let address = card.address.as_deref().unwrap_or("-");
        let ends = rfc3339(Timestamp::from_unix(card.ends)).unwrap_or_default();
        let line = [&card.id.to_string(), name, address, card.requester.as_str(), &ends]
            .map(escape_if_terminal)
            .join("  ");
        lines.print(&line)?;
    }
    lines.end()
}
