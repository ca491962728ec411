//! Gives the commands what they need to run.

use clap::ArgMatches;
use keyward::{Environment, Keyward, OpenStore};
use keyward_core::EntryId;

use crate::arguments::text;
use crate::console::Console;
use crate::stop::Outcome;

/// What a command needs to run.
pub(crate) struct Session {
    pub(crate) console: Console,
}

impl Session {
    /// Reads the configuration and finds the backends. Commands that need neither, such as `help`,
    /// do not call it.
    pub(crate) fn keyward(&self) -> Outcome<Keyward> {
        Ok(Keyward::with(Environment::of_process(), self.console)?)
    }

    /// Opens the store that `STORE` selects, and returns the user that `--user` selects.
    pub(crate) fn store(&self, matches: &ArgMatches) -> Outcome<(OpenStore, String)> {
        let user = text(matches, "user");
        let store = self.keyward()?.store_of(text(matches, "store").unwrap_or_default(), user)?;
        let user = store.entry(user, None)?.user().to_owned();
        Ok((store, user))
    }

    /// Opens the store, and returns the entry that `--user` and `--name` select.
    pub(crate) fn entry(&self, matches: &ArgMatches) -> Outcome<(OpenStore, EntryId)> {
        let (store, user) = self.store(matches)?;
        let id = store.entry(Some(&user), text(matches, "name"))?;
        Ok((store, id))
    }
}
