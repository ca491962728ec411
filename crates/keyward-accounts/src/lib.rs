//! The accounts that a source of records keeps for an origin.
//!
//! An entry is named by the location it is for: `https://ann@example.com`, or
//! `https://ann@example.com/team/repo.git` where the path matters; `https://@example.com` if the
//! account has no name. One more entry per origin, called `https://example.com` and of the kind
//! `accounts`, lists the others, so that a look-up costs the same however many entries there are.
//!
//! # Contract
//! - A look-up reads at most three entries.
//! - Two accounts that are stored at the same moment are both listed afterwards, as far as the
//!   source's [`update`](Source::update) can ensure that.
//! - An entry is written before it is listed, and taken off the list before it is removed. A writer
//!   that is interrupted in between leaves a line without an entry, which look-ups skip, or an
//!   entry that is found only by its account's name.
//! - An entry that was not made by this module is never changed or removed, even if its name has
//!   this form.
//!
//! # Security
//! A record is given only to the origins that it contains, whatever the name of its entry is. A
//! record that contains no origin is not given to any, unless [`Unbound::Give`] is set.

mod account;
mod entries;
mod index;

#[cfg(test)]
mod tests;

use std::slice;

use keyward_core::{Error, ErrorKind, Origin, Record, Result, Source, Timestamp};
use keyward_origin::Location;

use entries::{IfAbsent, OriginEntry};

pub use account::{Account, Kinds, Listed, Unbound};

/// The highest number of accounts of one origin.
pub const MAX_ACCOUNTS: usize = 1_000;

/// The highest number of entries that a look-up reads.
const MAX_READS: usize = 3;

/// The accounts of one user, in one source.
///
/// # Errors
/// All operations return the errors of the source. Only an absent entry counts as a miss: a source
/// that is locked, unavailable or damaged is an error, so that the caller does not ask another
/// source instead.
#[derive(Clone, Copy, Debug)]
pub struct Accounts<'a> {
    source: &'a dyn Source,
    user: &'a str,
    unbound: Unbound,
}

#[expect(
    clippy::missing_errors_doc,
    reason = "the page of the type lists the errors of all of them"
)]
impl<'a> Accounts<'a> {
    /// Returns the accounts of `user`; records without an origin are refused.
    pub fn new(source: &'a dyn Source, user: &'a str) -> Self {
        Self { source, user, unbound: Unbound::Refuse }
    }

    /// Returns the same accounts, with this treatment of records without an origin.
    #[must_use]
    pub fn with_unbound(self, unbound: Unbound) -> Self {
        Self { unbound, ..self }
    }

    /// Returns the account that matches, if there is one: of the origin, of one of these kinds, and
    /// with the account and the path that `wanted` has.
    ///
    /// If several match, it is the default account's, then one without a path, then the oldest. But
    /// any record that `is_good` accepts comes before one that it does not accept.
    pub fn find(
        &self,
        wanted: &Location,
        kinds: Kinds<'_>,
        is_good: &dyn Fn(&Record) -> bool,
    ) -> Result<Option<Account>> {
        let is_named = wanted.account().is_some();
        if is_named {
            // Usually only this entry matches, and it may not be listed.
            let found = self.read_fitting(wanted, wanted, kinds)?;
            if found.is_some() || wanted.path().is_some() {
                return Ok(found);
            }
        }
        let index = match self.origin_entry(wanted.origin())? {
            OriginEntry::Absent => return Ok(None),
            OriginEntry::Record(account) => {
                return Ok(Some(*account).filter(|account| self.is_fitting(account, wanted, kinds)));
            }
            OriginEntry::Index(index) => index,
        };
        let left = MAX_READS - 1 - usize::from(is_named);
        let others = index.candidates(wanted, kinds).into_iter().filter(|&it| it != wanted);
        let mut fallback = None;
        for location in others.take(left) {
            match self.read_fitting(location, wanted, kinds)? {
                Some(found) if is_good(&found.record) => return Ok(Some(found)),
                found => fallback = fallback.or(found),
            }
        }
        Ok(fallback)
    }

    /// Whether there is an entry of this location, even one that does not open.
    pub fn contains(&self, location: &Location) -> Result<bool> {
        self.source.contains(&self.id(&listed_as(location)?)?)
    }

    /// Stores the record that `change` returns for this location, and lists it.
    ///
    /// `change` gets the current record, or an empty one without a kind; it may be called again. If
    /// it changes nothing, nothing is written. A new record is bound to the origin.
    ///
    /// # Errors
    /// - Those of `change`.
    /// - [`Exists`](ErrorKind::Exists): an entry that was not made by this module has the name that
    ///   is needed.
    /// - [`Full`](ErrorKind::Full): the origin has [`MAX_ACCOUNTS`] already.
    /// - [`Invalid`](ErrorKind::Invalid): the location is too long for a name.
    pub fn keep(
        &self,
        location: &Location,
        now: Timestamp,
        change: &dyn Fn(Record) -> Result<Record>,
    ) -> Result<()> {
        let origin = location.origin();
        let place = listed_as(location)?;
        let id = self.id(&place)?;
        let mut kept = self.write(&id, origin, now, change, IfAbsent::Leave)?;
        if kept.is_none() {
            match self.origin_entry(origin)? {
                OriginEntry::Absent => {}
                OriginEntry::Index(index) => index.check_room()?,
                OriginEntry::Record(account) => {
                    return self.keep_single(&account, location, now, change);
                }
            }
            kept = self.write(&id, origin, now, change, IfAbsent::Create)?;
        }
        let Some(kept) = kept else { return Ok(()) };
        self.change_index(origin, now, &mut |index| index.add(&place, &kept.kind))?;
        if kept.is_written { self.drop_dangling(&place, &kept.kind, now) } else { Ok(()) }
    }

    /// Lists the entry of this location, which was not stored by [`keep`](Self::keep) and has a
    /// record of this kind. The location must have an account.
    ///
    /// # Errors
    /// [`Full`](ErrorKind::Full) if the origin has [`MAX_ACCOUNTS`] already;
    /// [`Exists`](ErrorKind::Exists) if a single record is for the whole origin.
    pub fn enlist(&self, location: &Location, kind: &str, now: Timestamp) -> Result<()> {
        let place = listed_as(location)?;
        self.change_index(location.origin(), now, &mut |index| index.add(&place, kind))
    }

    /// Changes the record of an account that was found. If it is gone, nothing happens.
    pub fn change(
        &self,
        location: &Location,
        now: Timestamp,
        change: &dyn Fn(Record) -> Result<Record>,
    ) -> Result<()> {
        self.write(&self.id(location)?, location.origin(), now, change, IfAbsent::Leave).map(drop)
    }

    /// Returns the record at each location, if it is stored and listed as [`keep`](Self::keep)
    /// stores it. It reads all entries at once if the source can.
    ///
    /// `None` says only that [`keep`](Self::keep) has something to do, or fails.
    pub fn kept(&self, locations: &[Location]) -> Result<Vec<Option<Record>>> {
        // What cannot be listed for its length has no entry under another name either.
        let place = |location: &Location| listed_as(location).unwrap_or_else(|_| location.clone());
        let places: Vec<_> = locations.iter().map(place).collect();
        let records = self.read_many(&places)?;
        let indexes = self.indexes(&places)?;
        let kept = records.into_iter().zip(&places).map(|(record, place)| {
            let origin = place.origin();
            let is_listed = |record: &Record| {
                indexes.get(origin).is_some_and(|index| index.contains(place, &record.kind))
            };
            record.filter(|record| self.is_given(record, origin) && is_listed(record))
        });
        Ok(kept.collect())
    }

    /// Removes all accounts that match and whose record `is_selected` accepts, and returns how many
    /// there were.
    pub fn forget(
        &self,
        wanted: &Location,
        kinds: Kinds<'_>,
        now: Timestamp,
        is_selected: &dyn Fn(&Record) -> bool,
    ) -> Result<usize> {
        let is_selected = |account: &Account| {
            self.is_fitting(account, wanted, kinds) && is_selected(&account.record)
        };
        let entry = self.origin_entry(wanted.origin())?;
        let is_listed = matches!(entry, OriginEntry::Index(_));
        let places = match entry {
            OriginEntry::Absent => Vec::new(),
            OriginEntry::Record(account) => vec![account.location],
            OriginEntry::Index(index) => {
                index.candidates(wanted, kinds).into_iter().cloned().collect()
            }
        };
        let unlisted = Some(wanted).filter(|it| it.account().is_some() && !places.contains(it));
        let mut going = Vec::new();
        for place in places {
            // Lines without an entry are removed too.
            if self.read(&place)?.is_none_or(|account| is_selected(&account)) {
                going.push(place);
            }
        }
        if let Some(place) = unlisted
            && self.read(place)?.is_some_and(|account| is_selected(&account))
        {
            going.push(place.clone());
        }
        self.remove(&going, is_listed, now, &is_selected)
    }

    /// Removes the entry of this location, which no longer exists, from the list of its origin.
    pub fn unlist(&self, location: &Location, now: Timestamp) -> Result<()> {
        match self.origin_entry(location.origin())? {
            OriginEntry::Index(_) => self.unlist_absent(slice::from_ref(location), now),
            OriginEntry::Absent | OriginEntry::Record(_) => Ok(()),
        }
    }

    /// Returns the accounts of the origin, the oldest first.
    pub fn list(&self, origin: &Origin) -> Result<Vec<Listed>> {
        Ok(match self.origin_entry(origin)? {
            OriginEntry::Absent => Vec::new(),
            OriginEntry::Index(index) => index.listed().collect(),
            OriginEntry::Record(account) if self.is_given(&account.record, origin) => {
                let Account { location, record } = *account;
                vec![Listed { location, kind: record.kind, is_default: false }]
            }
            OriginEntry::Record(_) => Vec::new(),
        })
    }

    /// Sets the account that is used when a request names none; with `None`, the oldest is used.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the origin has no account of this name.
    pub fn set_default(
        &self,
        origin: &Origin,
        account: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        self.change_index(origin, now, &mut |index| index.choose(account))
    }
}

impl Accounts<'_> {
    /// Stores a record in place of the one for the whole origin, if it is for the same account.
    fn keep_single(
        &self,
        account: &Account,
        location: &Location,
        now: Timestamp,
        change: &dyn Fn(Record) -> Result<Record>,
    ) -> Result<()> {
        let is_same = location.path().is_none()
            && account.username() == location.account().map(str::as_bytes);
        if !is_same {
            return Err(occupied());
        }
        let id = self.id(&account.location)?;
        self.write(&id, location.origin(), now, change, IfAbsent::Leave).map(drop)
    }
}

/// Returns the location that names and lists an entry. It always has an account.
fn listed_as(location: &Location) -> Result<Location> {
    match location.account() {
        Some(_) => Ok(location.clone()),
        None => Location::new(location.origin().clone(), Some(""), location.path()),
    }
}

fn occupied() -> Error {
    Error::new(ErrorKind::Exists, "keep")
        .because("an entry that was not made for this origin has the name that is needed")
        .hint("Rename or remove that entry")
}
