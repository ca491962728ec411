use keyward::OpenStore;
use keyward_accounts::Accounts;
use keyward_config::Interaction;
use keyward_core::{EntryId, Level, Result, printable};
use keyward_origin::Location;

use super::Run;
use crate::arguments::{StoreAndEntry, missing_entry};
use crate::session::Session;
use crate::stop::Outcome;

/// Remove a username and a password
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward unset work --user bob")]
pub(super) struct Arguments {
    #[command(flatten)]
    entry: StoreAndEntry,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let (store, id) = self.entry.open(session)?;
        let (user, name) = (printable(id.user()), &store.file.name);
        session.console.log(
            Level::Info,
            format_args!("unsetting credentials for user `{user}` in store `{name}`"),
        );
        match store.unset(&id) {
            Err(error) if error.is_miss() => Err(missing_entry(&id, &store)),
            Err(error) => Err(error.into()),
            Ok(()) => Ok(unlist_account(&store, &id)?),
        }
    }
}

/// Removes an account from the list that helpers read. A look-up skips a few accounts that no
/// longer exist, but not many.
fn unlist_account(store: &OpenStore, id: &EntryId) -> Result<()> {
    let Ok(location) = Location::parse(id.name_or_empty()) else { return Ok(()) };
    if location.account().is_none() {
        return Ok(());
    }
    Accounts::new(&**store, id.user()).unlist(&location, store.now())
}
