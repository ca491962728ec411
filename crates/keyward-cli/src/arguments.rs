//! Arguments that several commands take.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use keyward::{Keyward, OpenStore};
use keyward_core::{EntryId, Record, Role, printable};

use crate::candidates;
use crate::session::Session;
use crate::stop::{Outcome, Stop};

/// The arguments that select a store, and a user of it.
#[derive(clap::Args)]
pub(crate) struct StoreAndUser {
    /// The store; `-` is the default one
    #[arg(add = candidates::stores())]
    store: String,
    /// Use the entries of this user [default: the store's `user`, else you]
    #[arg(short, long, value_name = "U")]
    user: Option<String>,
}

impl StoreAndUser {
    /// Opens the store, and returns the user.
    pub(crate) fn open(&self, session: &Session) -> Outcome<(OpenStore, String)> {
        self.open_with(&session.keyward()?)
    }

    /// Does the same for a caller that needs the configuration too.
    fn open_with(&self, keyward: &Keyward) -> Outcome<(OpenStore, String)> {
        let user = self.user.as_deref();
        let store = keyward.store_of(&self.store, user)?;
        let user = store.user(user).to_owned();
        Ok((store, user))
    }
}

/// The argument that selects a profile of the resolver.
#[derive(clap::Args)]
pub(crate) struct Profile {
    /// The profile with which to look for credentials [default: the setting `profile`]
    #[arg(long, value_name = "P", add = candidates::profiles())]
    profile: Option<String>,
}

impl Profile {
    /// Reads the configuration, for a command that uses the resolver.
    pub(crate) fn open(&self, session: &Session) -> Outcome<Keyward> {
        let keyward = session.keyward()?;
        match &self.profile {
            Some(name) => Ok(keyward.with_profile(name)?),
            None => Ok(keyward),
        }
    }
}

/// The arguments that select an entry of a store.
#[derive(clap::Args)]
pub(crate) struct StoreAndEntry {
    #[command(flatten)]
    pub(crate) owner: StoreAndUser,
    /// The name of the entry [default: the entry without a name]
    #[arg(long, value_name = "N")]
    name: Option<String>,
}

impl StoreAndEntry {
    /// Opens the store, and returns the entry's id.
    pub(crate) fn open(&self, session: &Session) -> Outcome<(OpenStore, EntryId)> {
        self.open_with(&session.keyward()?)
    }

    /// Does the same for a caller that needs the configuration too.
    pub(crate) fn open_with(&self, keyward: &Keyward) -> Outcome<(OpenStore, EntryId)> {
        let (store, user) = self.owner.open_with(keyward)?;
        let id = store.entry(Some(&user), self.name.as_deref())?;
        Ok((store, id))
    }

    /// Does the same for a caller that knows what an entry without `--name` is called.
    pub(crate) fn open_or(
        &self,
        keyward: &Keyward,
        name: Option<&str>,
    ) -> Outcome<(OpenStore, EntryId)> {
        let (store, user) = self.owner.open_with(keyward)?;
        let id = store.entry(Some(&user), self.name.as_deref().or(name))?;
        Ok((store, id))
    }

    /// Opens the store, and returns the entry's id and its record.
    pub(crate) fn read(&self, keyward: &Keyward) -> Outcome<(OpenStore, EntryId, Record)> {
        let (store, id) = self.open_with(keyward)?;
        match store.get(&id) {
            Ok(record) => Ok((store, id, record)),
            Err(error) if error.is_miss() => Err(missing_entry(&id, &store)),
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns the error for an entry that does not exist.
pub(crate) fn missing_entry(id: &EntryId, store: &OpenStore) -> Stop {
    let name = &store.file.name;
    let user = printable(id.user());
    let what = match id.name() {
        Some(entry) => {
            format!("user `{user}` has no entry `{}` in store `{name}`", printable(entry))
        }
        None => format!("user `{user}` has no credentials in store `{name}`"),
    };
    Stop::Code(3, format!("error: {what}"))
}

/// Parses the name of a role.
pub(crate) fn role() -> impl TypedValueParser<Value = Role> {
    let names = PossibleValuesParser::new(Role::ALL.map(Role::name));
    names.try_map(|name| Role::from_name(&name).ok_or("there is no such role"))
}
