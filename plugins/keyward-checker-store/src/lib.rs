//! Checker `store`: the users of a Keyward store.
//!
//! A user of a server is a user of the store: the entry of `ann` says with which verifiers `ann` is
//! recognized. A record of the kind `verifiers` has them all; the records that clients use serve too.
//! `keyward auth add --store` writes such entries.
//!
//! # Security
//! A record with a password in plain form serves every mechanism, and who reads it can log in anywhere
//! as the user. A record of the kind `verifiers` serves those whose verifiers it has.

mod examples;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use keyward_plugin::{
    Account, Backend, Checker, Denial, EntryId, Error, Host, Identity, Info, Record, Result,
    Source, StoreRef, Verifier, VerifierForm, options,
};
use keyward_verifier::record;

use examples::Examples;

keyward_plugin::register!(checker: StoreChecker);

options! {
    /// Which store, and which entries of it.
    pub struct Options {
        /// The store with the users.
        pub store: StoreRef,
        /// The name of each user's entry; without it, the one that has no name.
        pub entry: Option<String>,
    }
}

/// The checker `store`.
#[derive(Debug)]
pub struct StoreChecker {
    options: Options,
    host: Arc<dyn Host>,
    source: Arc<dyn Source>,
    examples: Examples,
}

impl Backend for StoreChecker {
    const INFO: Info = Info::new("store", "The users of a Keyward store").serving(&[
        "password",
        "scram-sha-256",
        "scram-sha-1",
        "digest",
        "cram-md5",
        "apop",
        "pb",
        "token",
        "client-certificate",
        "one-time-password",
    ]);
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        let source = host.source(&options.store.0)?;
        let examples = Examples::default();
        Ok(Self { options, host: Arc::clone(host), source, examples })
    }
}

impl Checker for StoreChecker {
    fn stores(&self) -> &[VerifierForm] {
        record::FORMS
    }

    fn account(&self, user: &str, form: VerifierForm) -> Result<Option<Account>> {
        // What cannot be a user of a store is none.
        let Ok(id) = EntryId::new(user, self.options.entry.as_deref()) else { return Ok(None) };
        let found = match self.source.get(&id) {
            Ok(found) if record::is_of_user(&found) => found,
            Ok(_) => return Ok(None),
            Err(error) if error.is_miss() => return Ok(None),
            Err(error) => return Err(error),
        };
        let name = record::identity(&found).unwrap_or(user);
        let mut account = Account::new(Identity::new(name)?, record::verifiers(&found, form));
        account.denied = record::denied(&found, self.host.now());
        if account.denied.is_none() && name != user {
            account.denied = self.denied_as(name)?;
        }
        Ok(Some(account))
    }

    fn example(&self, pick: u64, form: VerifierForm) -> Result<Option<Verifier>> {
        let ids =
            self.examples.ids(&*self.source, self.options.entry.as_deref(), self.host.now())?;
        for id in Examples::selected_by(&ids, pick) {
            let found = self.get(id)?;
            let verifiers = found.map(|found| record::verifiers(&found, form));
            if let Some(first) = verifiers.into_iter().flatten().next() {
                return Ok(Some(first));
            }
        }
        Ok(None)
    }
}

impl StoreChecker {
    /// Why the user of this name is not let in, if the store has that user: a token or another name of
    /// the user is no way around.
    fn denied_as(&self, name: &str) -> Result<Option<Denial>> {
        let Ok(id) = EntryId::new(name, self.options.entry.as_deref()) else { return Ok(None) };
        let own = self.get(&id)?.filter(record::is_of_user);
        Ok(own.and_then(|own| record::denied(&own, self.host.now())))
    }

    /// Returns the record of an entry that was listed; it may have been removed since.
    fn get(&self, id: &EntryId) -> Result<Option<Record>> {
        match self.source.get(id) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_miss() => Ok(None),
            Err(error) => Err(Error::not_a_miss(error)),
        }
    }
}
