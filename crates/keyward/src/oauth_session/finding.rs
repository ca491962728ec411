//! Where a session finds its credential, and how its token is refreshed there.

use std::sync::Arc;

use keyward_core::{EntryId, Error, ErrorKind, Record, Result, printable};
use keyward_kinds::{fields, names};
use keyward_oauth2::{Tokens, Wanted};
use keyward_resolver::{Query, Resolution};

use super::OAuthSession;
use super::unwritten::Overlaid;
use crate::resolver::in_store::source_name;
use crate::tokens_in_memory::Held;

/// A credential that was found.
pub(super) struct Found {
    record: Record,
    place: Place,
}

/// Where it is.
enum Place {
    /// In the store of this name, for this user, as the entry of this name.
    Store { store: String, user: Option<String>, name: String },
    /// In a source that cannot be written.
    Elsewhere(Arc<Held>),
    /// Nothing can refresh it, or it was put together from several sources.
    Fixed,
}

impl OAuthSession {
    /// Finds the credential, as it is.
    pub(super) fn find(&self) -> Result<Found> {
        let query = Query::new(&self.name, None)?.unrefreshed();
        let values = self.values.iter();
        let query =
            values.fold(query, |query, (field, value)| query.with_value(field, value.clone()));
        let Resolution { record, sources, .. } = self.resolve(&query)?;
        let record = self.client(record, &sources)?;
        let [source] = &sources[..] else {
            return Ok(Found { record, place: Place::Fixed });
        };
        let aim = self.keyward.aim(&query)?;
        if let Some(store) = aim.stores.into_iter().find(|store| source_name(store) == *source) {
            let place = Place::Store { store, user: aim.user, name: aim.name };
            return Ok(Found { record, place });
        }
        let record = self.with_defaults(record);
        if !Tokens::can_renew(&record) {
            return Ok(Found { record, place: Place::Fixed });
        }
        let held = self.keyward.tokens_in_memory.hold(&record)?;
        Ok(Found { record, place: Place::Elsewhere(held) })
    }

    fn resolve(&self, query: &Query<'_>) -> Result<Resolution> {
        match self.resolver.resolve(query) {
            // Without an access token, variables do not show of which kind they are.
            Err(error) if error.kind() == ErrorKind::Invalid => {
                let kind = self.resolver.kinds().find(names::OAUTH2)?;
                self.resolver.resolve(&query.clone().of_kind(kind))
            }
            found => found,
        }
    }

    /// Returns a record as that of an OAuth client. A token alone is a client that cannot refresh it.
    /// So is a developer's token alone, which only pancloud's variables give as it is.
    fn client(&self, mut record: Record, sources: &[String]) -> Result<Record> {
        let (from, to) = match record.kind.as_str() {
            names::OAUTH2 => return Ok(record),
            names::TOKEN => (fields::TOKEN, fields::ACCESS_TOKEN),
            names::GENERIC if sources == ["pancloud"] => (fields::SECRET, fields::DEVELOPER_TOKEN),
            kind => {
                let (name, kind) = (printable(&self.name), printable(kind));
                let why = format!("`{name}` is of the kind `{kind}`, not `oauth2` or `token`");
                return Err(Error::invalid("token", why));
            }
        };
        let value = record.fields.remove(from);
        record.fields.extend(value.map(|value| (to.to_owned(), value)));
        Ok(record.with_kind(names::OAUTH2))
    }

    fn with_defaults(&self, mut record: Record) -> Record {
        for (name, field) in &self.defaults.fields {
            record.fields.entry(name.clone()).or_insert_with(|| field.clone());
        }
        record
    }

    /// Returns the record with the access token that it has by now.
    pub(super) fn current(&self, found: &Found) -> Result<Record> {
        match &found.place {
            Place::Elsewhere(held) => held.record(),
            Place::Store { .. } if self.is_unwritten(&found.record) => {
                self.unwritten.instead(found.record.clone())
            }
            _ => Ok(found.record.clone()),
        }
    }

    /// Whether the session keeps a separate access token. A token that cannot be refreshed is used
    /// as it is in any case.
    fn is_unwritten(&self, record: &Record) -> bool {
        !self.options.cache_token && Tokens::can_renew(record)
    }

    /// Returns the record after its token was refreshed.
    pub(super) fn renewed(&self, found: &Found, wanted: Wanted<'_>) -> Result<Record> {
        match &found.place {
            Place::Store { store, user, name } => {
                let store = self.keyward.store_of(store, user.as_deref())?;
                let id = store.entry(user.as_deref(), Some(name))?;
                if !self.is_unwritten(&found.record) {
                    return self.tokens.get(&*store, &id, wanted);
                }
                let overlaid = Overlaid { store: &*store, unwritten: &self.unwritten };
                self.tokens.get(&overlaid, &id, wanted)
            }
            Place::Elsewhere(held) => {
                let id = EntryId::new("memory", None)?;
                self.tokens.get(&**held, &id, wanted).map_err(|error| match error.kind() {
                    ErrorKind::Unauthorized => {
                        error.hint("Replace the credential where it comes from")
                    }
                    _ => error,
                })
            }
            Place::Fixed => Err(Error::new(ErrorKind::Unsupported, "token")
                .because("a credential from several sources is not refreshed")
                .hint("A refresh token that the server replaces could not be stored")),
        }
    }
}
