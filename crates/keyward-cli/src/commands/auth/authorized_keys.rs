//! `keyward auth authorized-keys`, which sshd runs.

use keyward_portal::prepare_user;
use keyward_verifier::record;

use crate::candidates;
use crate::output::Lines;
use crate::session::Session;
use crate::stop::Outcome;

/// Print the SSH keys of a user of a store, for sshd
///
/// It prints the lines in the field `authorized_keys` of the user's entry, with their options. A user
/// who is unknown, disabled or expired has none, and the command succeeds. It fails if the store cannot
/// be read.
#[derive(clap::Parser)]
#[command(after_help = "Example, in sshd_config:
  AuthorizedKeysCommand /usr/bin/keyward auth authorized-keys --store people %u
  AuthorizedKeysCommandUser keyward")]
pub(in crate::commands) struct Arguments {
    /// The name of the user
    user: String,
    /// The Keyward store with the users
    #[arg(long, value_name = "S", add = candidates::stores())]
    store: String,
}

impl Arguments {
    pub(super) fn run(&self, session: &Session) -> Outcome {
        let store = session.keyward()?.store(&self.store)?;
        // No user has a malformed name.
        let Ok(name) = prepare_user(&self.user) else { return Ok(()) };
        let Ok(id) = store.entry(Some(&name), None) else { return Ok(()) };
        let found = match store.get(&id) {
            Ok(found) => found,
            Err(error) if error.is_miss() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if record::denied(&found, store.now()).is_some() {
            return Ok(());
        }
        let mut lines = Lines::new();
        record::authorized_keys(&found).into_iter().try_for_each(|line| lines.print(line))?;
        lines.end()
    }
}
