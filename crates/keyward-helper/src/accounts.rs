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
//!   source's [`update`](Source::update) can see to that.
//! - An entry is written before it is listed, and no longer listed before it is removed. Whoever
//!   is interrupted in between leaves a line that leads nowhere, which look-ups pass over, or an
//!   entry that is found only by its account's name.
//! - Somebody's own entry that happens to have a name of this form is never changed or removed.
//!
//! # Security
//! A record is given to the origins that it carries, whatever its entry is called. One that
//! carries none is given to nobody, unless [`Unbound::Give`] says otherwise.

mod entries;
mod index;

#[cfg(test)]
pub(crate) mod tests;

use std::slice;

use keyward_core::{Error, ErrorKind, Origin, Record, Result, Source, Timestamp};
use keyward_origin::Location;

use entries::{Front, IfAbsent};

pub use index::KIND;

/// The most accounts that one origin may have.
pub const MAX_ACCOUNTS: usize = 1_000;

/// The most entries that a look-up reads.
const MAX_READS: usize = 3;

/// The field that names the account, in records of every kind that has one.
const USERNAME: &str = "username";

/// The accounts of one user, in one source.
///
/// # Errors
/// Of all operations, those of the source. Only an absent entry counts as a miss: a source that is
/// locked, down or damaged is an error, so that nobody goes on to ask somewhere else.
#[derive(Clone, Copy, Debug)]
pub struct Accounts<'a> {
    source: &'a dyn Source,
    user: &'a str,
    unbound: Unbound,
}

/// Whether records that carry no origin are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unbound {
    /// They are given to nobody.
    #[default]
    Refuse,
    /// They are given to the origin that their entry is named after: by `https://ann@example.com`,
    /// or, a single one for the whole origin, by `https://example.com`.
    Give,
}

/// An account that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What its entry is named after. It has no account where a single record stands for the
    /// whole origin.
    pub location: Location,
    /// What is kept.
    pub record: Record,
}

impl Account {
    /// The account's name: the record's, or else the location's.
    ///
    /// `https://@example.com` is the entry both of the account whose name is empty and of what has
    /// no account; the record tells which it is.
    pub fn username(&self) -> Option<&[u8]> {
        let of_location = || self.location.account().filter(|name| !name.is_empty());
        match self.record.field(USERNAME) {
            Some(field) => Some(field.value.expose()),
            None => of_location().map(str::as_bytes),
        }
    }
}

/// An account as it is listed. Its entry may be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What the entry is named after.
    pub location: Location,
    /// The kind of its record.
    pub kind: String,
    /// Whether its account was chosen.
    pub is_default: bool,
}

#[expect(clippy::missing_errors_doc, reason = "the type's own page says it for all of them")]
impl<'a> Accounts<'a> {
    /// The accounts of `user`; records without an origin are refused.
    pub fn new(source: &'a dyn Source, user: &'a str) -> Self {
        Self { source, user, unbound: Unbound::Refuse }
    }

    /// The same accounts, where records without an origin are treated so.
    #[must_use]
    pub fn with_unbound(self, unbound: Unbound) -> Self {
        Self { unbound, ..self }
    }

    /// The account that fits, if there is one: of the origin, of one of these kinds, and of the
    /// account and the path where `wanted` has them.
    ///
    /// Of several that fit it is the chosen account's, then one without a path, then the oldest;
    /// but one of them that `is_good`, before one that is not.
    pub fn find(
        &self,
        wanted: &Location,
        kinds: &[&str],
        is_good: &dyn Fn(&Record) -> bool,
    ) -> Result<Option<Account>> {
        let is_named = wanted.account().is_some();
        if is_named {
            // Most often this is the only one that fits, and it may not be listed.
            let found = self.read_fitting(wanted, wanted, kinds)?;
            if found.is_some() || wanted.path().is_some() {
                return Ok(found);
            }
        }
        let index = match self.front(wanted.origin())? {
            Front::Nothing => return Ok(None),
            Front::Single(account) => {
                return Ok(Some(*account).filter(|account| self.is_fitting(account, wanted, kinds)));
            }
            Front::Index(index) => index,
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

    /// Whether the entry of this location is there, opened or not.
    pub fn contains(&self, location: &Location) -> Result<bool> {
        self.source.contains(&self.id(&listed_as(location)?)?)
    }

    /// Keeps what `change` makes of the record of this location, and lists it.
    ///
    /// `change` is handed the record as it is, or an empty one without a kind; it may be asked
    /// again. Where it changes nothing, nothing is written. A new record is bound to the origin.
    ///
    /// # Errors
    /// - Those of `change`.
    /// - [`Exists`](ErrorKind::Exists): an entry of somebody's own has the name that is needed.
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
            match self.front(origin)? {
                Front::Nothing => {}
                Front::Index(index) => index.check_room()?,
                Front::Single(account) => return self.keep_single(&account, location, now, change),
            }
            kept = self.write(&id, origin, now, change, IfAbsent::Create)?;
        }
        let Some(kept) = kept else { return Ok(()) };
        self.change_index(origin, now, &mut |index| index.add(&place, &kept.kind))?;
        if kept.is_written { self.drop_dangling(&place, &kept.kind, now) } else { Ok(()) }
    }

    /// Removes all accounts that fit and whose record `is_meant`, and says how many there were.
    pub fn forget(
        &self,
        wanted: &Location,
        kinds: &[&str],
        now: Timestamp,
        is_meant: &dyn Fn(&Record) -> bool,
    ) -> Result<usize> {
        let is_meant = |account: &Account| {
            self.is_fitting(account, wanted, kinds) && is_meant(&account.record)
        };
        let front = self.front(wanted.origin())?;
        let is_listed = matches!(front, Front::Index(_));
        let places = match front {
            Front::Nothing => Vec::new(),
            Front::Single(account) => vec![account.location],
            Front::Index(index) => index.candidates(wanted, kinds).into_iter().cloned().collect(),
        };
        let unlisted = Some(wanted).filter(|it| it.account().is_some() && !places.contains(it));
        let mut going = Vec::new();
        for place in places {
            // What is listed but gone goes too.
            if self.read(&place)?.is_none_or(|account| is_meant(&account)) {
                going.push(place);
            }
        }
        if let Some(place) = unlisted
            && self.read(place)?.is_some_and(|account| is_meant(&account))
        {
            going.push(place.clone());
        }
        self.remove(&going, is_listed, now, &is_meant)
    }

    /// Removes the entry of this location, which no longer exists, from the list of its origin.
    pub fn unlist(&self, location: &Location, now: Timestamp) -> Result<()> {
        match self.front(location.origin())? {
            // If another writer has made the entry again, `remove` lists it again.
            Front::Index(_) => {
                self.remove(slice::from_ref(location), true, now, &|_| false).map(drop)
            }
            Front::Nothing | Front::Single(_) => Ok(()),
        }
    }

    /// The accounts of the origin, the oldest first.
    pub fn list(&self, origin: &Origin) -> Result<Vec<Listed>> {
        Ok(match self.front(origin)? {
            Front::Nothing => Vec::new(),
            Front::Index(index) => index.listed().collect(),
            Front::Single(account) if self.is_given(&account.record, origin) => {
                let Account { location, record } = *account;
                vec![Listed { location, kind: record.kind, is_default: false }]
            }
            Front::Single(_) => Vec::new(),
        })
    }

    /// Chooses the account that is meant where none is named; with `None`, the oldest is again.
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
    /// Keeps a record in place of the one that stands for the whole origin, if it is the same
    /// account's.
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

/// The location by which an entry is named and listed: one that has an account.
fn listed_as(location: &Location) -> Result<Location> {
    match location.account() {
        Some(_) => Ok(location.clone()),
        None => Location::new(location.origin().clone(), Some(""), location.path()),
    }
}

/// Returns the error for an entry whose record is of another kind than the one to be set.
pub fn other_kind(record: &Record) -> Error {
    let error = Error::new(ErrorKind::Exists, "set");
    if record.kind == KIND {
        return error
            .because("the entry lists the accounts of an origin")
            .hint("Name the account: `--origin` instead of `--name` does so");
    }
    let kind = record.kind.escape_debug();
    error
        .because(format!("the entry holds a record of the kind `{kind}`"))
        .hint("To replace it, remove it first with `keyward unset`")
}

fn occupied() -> Error {
    Error::new(ErrorKind::Exists, "keep")
        .because("an entry that was not made for this origin has the name that is needed")
        .hint("Rename or remove that entry.")
}
