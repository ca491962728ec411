use std::fmt::Write as _;

use keyward_core::{Error, ErrorKind, Field, Origin, Record, Result};
use keyward_kinds::{
    fields::{ACCOUNTS, DEFAULT},
    names,
};
use keyward_origin::Location;

use crate::MAX_ACCOUNTS;
use crate::account::{Kinds, Listed};

/// The accounts of an origin. The list may contain accounts that no longer exist, and may lack some
/// that exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// In the record, a line for each, the oldest first: its location, a blank, its record's kind.
    lines: Vec<Line>,
    default: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    location: Location,
    kind: String,
}

impl Index {
    /// Reads an index from a record; `None` if the record is something else, or belongs to another
    /// origin.
    pub(super) fn read(record: &Record, origin: &Origin) -> Result<Option<Self>> {
        if record.kind != names::ACCOUNTS || record.origins != [origin.clone()] {
            return Ok(None);
        }
        let corrupt = || Error::corrupt("read the list of accounts");
        let text =
            |name| record.field(name).map(|field| field.value.expose_str().ok_or_else(corrupt));
        let default = text(DEFAULT).transpose()?.map(str::to_owned);
        let lines = text(ACCOUNTS).transpose()?.unwrap_or_default();
        let own = Location::new(origin.clone(), None, None)?;
        let lines = lines
            .lines()
            .map(|line| Line::parse(line, &own).ok_or_else(corrupt))
            .collect::<Result<Vec<_>>>()?;
        Ok(Some(Self { lines, default }))
    }

    /// Returns the record of this index, with the other fields of the old record.
    pub(super) fn write(&self, mut record: Record, origin: &Origin) -> Record {
        let mut text = String::new();
        for Line { location, kind } in &self.lines {
            writeln!(text, "{location} {kind}").expect("a string takes all that is written");
        }
        record.kind = names::ACCOUNTS.to_owned();
        record.origins = vec![origin.clone()];
        record.fields.insert(ACCOUNTS.to_owned(), Field::open(text));
        match &self.default {
            Some(account) => {
                record.fields.insert(DEFAULT.to_owned(), Field::open(account.as_str()))
            }
            None => record.fields.remove(DEFAULT),
        };
        record
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns all accounts, the oldest first.
    pub(super) fn listed(&self) -> impl Iterator<Item = Listed> {
        self.lines.iter().map(|Line { location, kind }| Listed {
            location: location.clone(),
            kind: kind.clone(),
            is_default: location.account() == self.default.as_deref(),
        })
    }

    /// Returns the matching entries, in the order in which they are preferred: the default
    /// account's, then those without a path, then the older ones.
    pub(super) fn candidates(&self, wanted: &Location, kinds: Kinds<'_>) -> Vec<&Location> {
        let mut fitting: Vec<_> = self
            .lines
            .iter()
            .filter(|line| kinds.contains(&line.kind))
            .map(|line| &line.location)
            .filter(|location| fits(wanted, location))
            .collect();
        fitting.sort_by_key(|location| {
            let is_other = location.account() != self.default.as_deref();
            (is_other, location.path().is_some())
        });
        fitting
    }

    /// Whether an entry is listed, with this kind of record.
    pub(super) fn contains(&self, location: &Location, kind: &str) -> bool {
        self.lines.iter().any(|line| line.location == *location && line.kind == kind)
    }

    /// # Errors
    /// [`Full`](ErrorKind::Full) if no more accounts can be listed.
    pub(super) fn check_room(&self) -> Result<()> {
        if self.lines.len() < MAX_ACCOUNTS {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Full, "keep")
            .because(format!("the origin has {MAX_ACCOUNTS} accounts already"))
            .hint("Remove some of them with `keyward account rm`"))
    }

    /// Lists an entry, unless it is listed.
    pub(super) fn add(&mut self, location: &Location, kind: &str) -> Result<()> {
        if kind.is_empty() || kind.contains(char::is_control) {
            return Err(Error::invalid("keep", "the record has no kind"));
        }
        match self.lines.iter_mut().find(|line| line.location == *location) {
            Some(line) => kind.clone_into(&mut line.kind),
            None => {
                self.check_room()?;
                self.lines.push(Line { location: location.clone(), kind: kind.to_owned() });
            }
        }
        Ok(())
    }

    /// Removes these entries, and the default account if no entry of it is left.
    pub(super) fn remove(&mut self, places: &[Location]) {
        self.lines.retain(|line| !places.contains(&line.location));
        if !self.has(self.default.as_deref()) {
            self.default = None;
        }
    }

    /// Sets the account that is used when a request names none, or lets it be the oldest.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if no such account is listed.
    pub(super) fn choose(&mut self, account: Option<&str>) -> Result<()> {
        if account.is_some() && !self.has(account) {
            return Err(
                Error::not_found("choose an account").because("the origin has no such account")
            );
        }
        self.default = account.map(str::to_owned);
        Ok(())
    }

    fn has(&self, account: Option<&str>) -> bool {
        self.lines.iter().any(|line| line.location.account() == account)
    }
}

impl Line {
    fn parse(line: &str, origin: &Location) -> Option<Self> {
        let (location, kind) = line.split_once(' ')?;
        Some(Self { location: origin.sibling(location)?, kind: kind.to_owned() })
    }
}

/// Whether a location matches: it has the wanted origin, and the account and path if those are
/// wanted.
fn fits(wanted: &Location, location: &Location) -> bool {
    wanted.origin() == location.origin()
        && (wanted.account().is_none() || wanted.account() == location.account())
        && (wanted.path().is_none() || wanted.path() == location.path())
}
