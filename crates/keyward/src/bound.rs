//! Credentials for URLs.

use std::fmt::{self, Debug};

use keyward_core::{Error, ErrorKind, Record, Result, printable};
use keyward_kinds::fields;
use keyward_origin::Target;
use keyward_provider::{Auth, Providers};
use keyward_resolver::{Query, Resolver};

use crate::facade::Keyward;

/// A credential that a server may get.
pub struct Bound {
    /// Its name.
    pub name: String,
    /// Its record.
    pub record: Record,
    resolver: Resolver,
    origin: String,
    sources: Vec<String>,
}

impl Bound {
    /// Writes to the audit log that the credential is given out, if there is one. A caller does this
    /// before it uses the record.
    ///
    /// # Errors
    /// Those of writing the log.
    pub fn give_out(&self) -> Result<()> {
        let query = Query::new(&self.name, None)?.for_url(&self.origin)?;
        self.resolver.give_out(&query, &self.sources)
    }
}

impl Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Keyward {
    /// Returns the credential of this name, if the server of the target may get it.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), with the reasons of the sources, if there is none;
    /// [`Refused`](ErrorKind::Refused) if the record is not bound to the server, or the URL names the
    /// account of another user; those of the resolver.
    pub fn bound(&self, target: &Target, name: &str) -> Result<Bound> {
        bound(self.resolver()?, target, name)
    }

    /// Returns where the service of a credential is, if it says so: its endpoint and its region. Neither is
    /// secret. It never asks the user.
    ///
    /// # Errors
    /// Those of the resolver.
    pub fn service_of(&self, name: &str) -> Result<(Option<String>, Option<String>)> {
        let record = match self.silent_resolver()?.find(&Query::new(name, None)?) {
            Ok(found) => found.record,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok((None, None)),
            Err(error) => return Err(error),
        };
        let text = |name| {
            let text = record.field(name).and_then(|field| field.value.expose_str());
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        Ok((text(fields::ENDPOINT), text(fields::REGION)))
    }

    /// Returns the first credential that the provider of a target names and that exists, as
    /// [`bound`](Self::bound) does; `None` if no provider names one. It never asks the user.
    ///
    /// # Errors
    /// Those of [`bound`](Self::bound); [`NotFound`](ErrorKind::NotFound) if none of those that the
    /// provider names exists.
    pub fn provided(&self, providers: &Providers, target: &Target) -> Result<Option<Bound>> {
        let matching = providers.matching(target);
        let provider = matching.first().map(|(_, provider)| *provider);
        let Some(provider) = provider.filter(|provider| provider.auth != Auth::Never) else {
            return Ok(None);
        };
        let mut missing = None;
        for name in provider.credentials_for(target) {
            match bound(self.silent_resolver()?, target, &name) {
                Ok(found) => return Ok(Some(found)),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    missing = missing.or(Some(error))
                }
                Err(error) => return Err(error),
            }
        }
        missing.map_or(Ok(None), Err)
    }
}

fn bound(resolver: Resolver, target: &Target, name: &str) -> Result<Bound> {
    let origin = target.origin().to_string();
    let query = Query::new(name, None)?.for_url(&origin)?;
    let found = resolver.find(&query)?;
    check(&found.record, name, target)?;
    let (record, sources) = (found.record, found.sources);
    Ok(Bound { name: name.to_owned(), record, resolver, origin, sources })
}

/// Refuses a record that the server of a target must not get.
fn check(record: &Record, name: &str, target: &Target) -> Result<()> {
    let (name, origin) = (printable(name), target.origin());
    let refused = |why: String| Error::new(ErrorKind::Refused, "use").because(why);
    if !record.origins.contains(origin) {
        return Err(refused(format!("the credential `{name}` is not bound to {origin}")).hint(
            format!("If that server may get it: keyward set STORE --name {name} --bind {origin}"),
        ));
    }
    // A URL that names an account never gets the secret of another one.
    let username = record.field(fields::USERNAME).map(|field| field.value.expose());
    if target.account().is_some_and(|account| username != Some(account.as_bytes())) {
        return Err(refused(format!("the URL names another user than the credential `{name}`")));
    }
    Ok(())
}
