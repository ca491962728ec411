//! The entries in which a bouncer keeps keycards and what belongs to them.

use std::sync::Arc;

use keyward_core::{
    Attempt, Change, EntryId, Error, Field, Query, Record, Result, Source, Timestamp, hex,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Keycard, KeycardId, RequesterId};

const KIND: &str = "keyward.bouncer-note";
const VALUE: &str = "value";

/// The names of entries begin with these.
pub(crate) const CARD: &str = "card-";
pub(crate) const LEASE: &str = "lease-";
pub(crate) const ENDED: &str = "ended-";
pub(crate) const SWITCH: &str = "switch";

/// A keycard as a bouncer keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub keycard: Keycard,
    /// Whether the requester wants to be told when it ends.
    pub notices: bool,
    /// How often the bouncer had been disabled when it was issued.
    pub round: u64,
    /// The rest of the attempt in which it was issued.
    pub private: bool,
    pub service: Option<String>,
    /// How it ended, if it did.
    pub end: Option<End>,
}

impl Stored {
    /// The circumstances in which it was issued.
    pub(crate) fn attempt(&self) -> Attempt {
        let mut attempt = Attempt::default();
        attempt.address.clone_from(&self.keycard.address);
        attempt.service.clone_from(&self.service);
        attempt.details.clone_from(&self.keycard.details);
        attempt.private = self.private;
        attempt
    }
}

/// How a keycard ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    pub reason: EndReason,
    pub time: u64,
}

/// Why a keycard ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EndReason {
    /// Its time was over.
    Expired,
    /// It was taken back.
    Revoked,
    /// The policy does not let the client in any more, such as at the end of a calendar's event.
    Withdrawn,
    /// The bouncer was disabled.
    Disabled,
}

/// What a requester is told about a keycard that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ended {
    /// Which keycard.
    pub id: KeycardId,
    /// Why.
    pub reason: EndReason,
    /// When, in seconds since 1970.
    pub time: u64,
}

/// What a requester keeps alive: all keycards of one of its issuers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub since: u64,
    pub until: u64,
}

/// Whether the bouncer is disabled, and how often it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Switch {
    pub disabled: bool,
    pub round: u64,
}

/// The entries of one bouncer.
#[derive(Debug)]
pub(crate) struct Entries {
    source: Arc<dyn Source>,
    user: String,
}

/// What to do with an entry.
pub(crate) enum Edit<T> {
    Leave,
    Put(T),
    Remove,
}

impl Entries {
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if no user of a store can have this name.
    pub(crate) fn new(source: Arc<dyn Source>, user: &str) -> Result<Self> {
        EntryId::new(user, None)?;
        Ok(Self { source, user: user.to_owned() })
    }

    fn id(&self, name: &str) -> Result<EntryId> {
        EntryId::new(&self.user, Some(name))
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        match self.source.get(&self.id(name)?) {
            Err(error) if error.is_miss() => Ok(None),
            found => decode(&found?).map(Some),
        }
    }

    /// Reads an entry and the switch at once.
    pub(crate) fn read_with_switch<T: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<(Option<T>, Switch)> {
        let mut found = self.source.get_many(&[self.id(name)?, self.id(SWITCH)?])?.into_iter();
        let mut next = || match found.next() {
            None => Err(Error::corrupt("keycards")),
            Some(Err(error)) if error.is_miss() => Ok(None),
            Some(found) => found.map(Some),
        };
        let (entry, switch) = (next()?, next()?);
        let entry = entry.map(|record| decode(&record)).transpose()?;
        let switch = switch.map(|record| decode(&record)).transpose()?;
        Ok((entry, switch.unwrap_or_default()))
    }

    /// Changes an entry. No change of another process is lost. `until` is when the entry is useless.
    pub(crate) fn update<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        until: Option<Timestamp>,
        change: &mut dyn FnMut(Option<T>) -> Edit<T>,
    ) -> Result<()> {
        let update = self.source.update(&self.id(name)?, &mut |record| {
            let current = record.map(|record| decode(&record)).transpose()?;
            Ok(match change(current) {
                Edit::Leave => Change::Leave,
                Edit::Put(value) => Change::Put(Box::new(encode(&value, until)?)),
                Edit::Remove => Change::Remove,
            })
        });
        update.map_err(Error::not_a_miss)
    }

    /// Removes an entry if it is there.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let remove = self.source.update(&self.id(name)?, &mut |record| {
            Ok(if record.is_some() { Change::Remove } else { Change::Leave })
        });
        remove.map_err(Error::not_a_miss)
    }

    /// Calls `visit` with the entries whose names start with `prefix`, a page at a time.
    pub(crate) fn each<T: DeserializeOwned>(
        &self,
        prefix: &str,
        visit: &mut dyn FnMut(&str, T) -> Result<()>,
    ) -> Result<()> {
        let mut query = Query::default().with_user(Some(&self.user)).with_prefix(prefix);
        loop {
            let page = self.source.list(&query)?;
            let found = self.source.get_many(&page.entries)?;
            for (id, record) in page.entries.iter().zip(found) {
                match record {
                    // Another process has removed it since.
                    Err(error) if error.is_miss() => {}
                    record => visit(id.name_or_empty(), decode(&record?)?)?,
                }
            }
            if page.next.is_none() {
                return Ok(());
            }
            query = query.with_cursor(page.next);
        }
    }
}

fn encode<T: Serialize>(value: &T, until: Option<Timestamp>) -> Result<Record> {
    let text = serde_json::to_string(value);
    let text = text.map_err(|error| Error::invalid("keycards", error.to_string()))?;
    let field = Field::open(text);
    Ok(Record::new(KIND).with(VALUE, field).with_expires(until))
}

fn decode<T: DeserializeOwned>(record: &Record) -> Result<T> {
    let damaged = || Error::corrupt("keycards").because("an entry of the bouncer is damaged");
    if record.kind != KIND {
        return Err(damaged());
    }
    let field = record.field(VALUE).ok_or_else(damaged)?;
    serde_json::from_slice(field.value.expose()).map_err(|_| damaged())
}

/// The name of a keycard's entry.
pub(crate) fn card(id: &KeycardId) -> String {
    format!("{CARD}{id}")
}

/// The name of the entry of what a requester keeps alive.
pub(crate) fn lease(requester: &RequesterId, issuer: &str) -> String {
    format!("{LEASE}{}", label(&[requester.as_str(), issuer]))
}

/// What the names of the notices of a requester begin with.
pub(crate) fn notices(requester: &RequesterId) -> String {
    format!("{ENDED}{}-", label(&[requester.as_str()]))
}

/// A short name for texts that an entry's name cannot contain. Two texts never get the same.
pub(crate) fn label(texts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hex::encode(&hash.finalize()[..16])
}
