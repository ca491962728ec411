//! Access tokens that are not written into the store.

use std::sync::Mutex;
use std::time::Duration;

use keyward_core::{
    Change, EntryId, EntryLock, Exclusion, Field, LockMode, Page, Query, Record, Result, Source,
};
use keyward_kinds::fields;
use keyward_oauth2::RefreshState;

/// The fields that belong to an access token.
const OF_ACCESS_TOKEN: [&str; 2] = [fields::ACCESS_TOKEN, fields::TOKEN_TYPE];

/// The fields that a refresh changes. All others say what a token is for.
const OF_TOKENS: [&str; 7] = [
    fields::ACCESS_TOKEN,
    fields::TOKEN_TYPE,
    fields::REFRESH_TOKEN,
    fields::ID_TOKEN,
    fields::GRANTED_SCOPE,
    fields::ISSUED_FOR,
    fields::REFRESH_STATE,
];

/// The access token of a session that does not write it.
#[derive(Debug, Default)]
pub(super) struct Unwritten(Mutex<Option<Access>>);

#[derive(Debug)]
struct Access {
    /// The record for which it was issued, without its tokens.
    client: Record,
    fields: Vec<(&'static str, Field)>,
    state: RefreshState,
}

impl Unwritten {
    /// Returns a stored record with the access token in memory instead of the stored one.
    pub(super) fn instead(&self, stored: Record) -> Result<Record> {
        let access = self.0.lock()?;
        let access = access.as_ref().filter(|access| access.client == client(&stored));
        let mut record = stored.with_expires(None);
        for name in OF_ACCESS_TOKEN {
            record.fields.remove(name);
        }
        let Some(access) = access else { return Ok(record) };
        let fields = access.fields.iter().cloned();
        let record = fields.fold(record, |record, (name, field)| record.with(name, field));
        Ok(match RefreshState::read(&record) {
            RefreshState::Good { .. } => access.state.write(record),
            _ => record,
        })
    }

    /// Returns a changed record as it is stored: with the access token that is stored already, unless
    /// that was issued for something else than the new tokens.
    fn stored(record: Record, before: &Record) -> Record {
        let mut record = record.with_expires(before.expires);
        let issued_for =
            |record: &Record| record.field(fields::ISSUED_FOR).map(|it| it.value.clone());
        let is_same = [None, issued_for(&record)].contains(&issued_for(before));
        for name in OF_ACCESS_TOKEN {
            match before.field(name).filter(|_| is_same) {
                Some(field) => drop(record.fields.insert(name.to_owned(), field.clone())),
                None => drop(record.fields.remove(name)),
            }
        }
        match RefreshState::read(&record) {
            // When it is due is known only for the token in memory.
            RefreshState::Good { due: Some(_) } => RefreshState::Good { due: None }.write(record),
            _ => record,
        }
    }

    fn keep(&self, record: &Record) -> Result<()> {
        let field = |name| Some((name, record.field(name)?.clone()));
        *self.0.lock()? = Some(Access {
            client: client(record),
            fields: OF_ACCESS_TOKEN.into_iter().filter_map(field).collect(),
            state: match RefreshState::read(record) {
                good @ RefreshState::Good { .. } => good,
                _ => RefreshState::Good { due: None },
            },
        });
        Ok(())
    }
}

/// Returns what a token is for: the record without its tokens, and without the times at which it
/// was changed.
fn client(record: &Record) -> Record {
    let mut client = Record::new(record.kind.as_str()).with_origins(record.origins.clone());
    let fields = record.fields.iter().filter(|(name, _)| !OF_TOKENS.contains(&name.as_str()));
    client.fields.extend(fields.map(|(name, field)| (name.clone(), field.clone())));
    client
}

/// A store, whose access tokens are not read and not written. All else is, such as a refresh token
/// that the server has replaced.
#[derive(Debug)]
pub(super) struct Overlaid<'a> {
    pub(super) store: &'a dyn Source,
    pub(super) unwritten: &'a Unwritten,
}

impl Overlaid<'_> {
    fn change(
        &self,
        change: &mut dyn FnMut(Option<Record>) -> Result<Change>,
        update: impl FnOnce(&mut dyn FnMut(Option<Record>) -> Result<Change>) -> Result<()>,
    ) -> Result<()> {
        let mut changed = None;
        update(&mut |stored| {
            let Some(stored) = stored else { return change(None) };
            Ok(match change(Some(self.unwritten.instead(stored.clone())?))? {
                Change::Put(record) => {
                    changed = Some((*record).clone());
                    Change::Put(Box::new(Unwritten::stored(*record, &stored)))
                }
                other => other,
            })
        })?;
        changed.map_or(Ok(()), |record| self.unwritten.keep(&record))
    }
}

impl Source for Overlaid<'_> {
    fn get(&self, id: &EntryId) -> Result<Record> {
        self.unwritten.instead(self.store.get(id)?)
    }

    fn contains(&self, id: &EntryId) -> Result<bool> {
        self.store.contains(id)
    }

    fn update(
        &self,
        id: &EntryId,
        change: &mut dyn FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        self.change(change, |change| self.store.update(id, change))
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        self.store.list(query)
    }

    fn lock(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
    ) -> Result<Box<dyn EntryLock + '_>> {
        Ok(Box::new(Lock { overlaid: self, lock: self.store.lock(id, mode, wait)? }))
    }
}

#[derive(Debug)]
struct Lock<'a> {
    overlaid: &'a Overlaid<'a>,
    lock: Box<dyn EntryLock + 'a>,
}

impl EntryLock for Lock<'_> {
    fn exclusion(&self) -> Exclusion {
        self.lock.exclusion()
    }

    fn renew(&mut self, ttl: Duration) -> Result<()> {
        self.lock.renew(ttl)
    }

    fn update(&mut self, change: &mut dyn FnMut(Option<Record>) -> Result<Change>) -> Result<()> {
        let Self { overlaid, lock } = self;
        overlaid.change(change, |change| lock.update(change))
    }
}
