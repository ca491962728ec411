//! What accounts are, and which ones are selected.

use keyward_core::Record;
use keyward_kinds::{fields, names};
use keyward_origin::Location;

/// Whether records that contain no origin are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unbound {
    /// They are not given to any origin.
    #[default]
    Refuse,
    /// They are given to the origin in the name of their entry: `https://ann@example.com`, or
    /// `https://example.com` for a single record for the whole origin.
    Give,
}

/// The kinds of records that match.
#[derive(Clone, Copy, Debug)]
pub enum Kinds<'a> {
    /// Every kind but [`names::ACCOUNTS`], which lists accounts.
    Any,
    /// These kinds.
    Only(&'a [&'a str]),
}

impl Kinds<'_> {
    pub(crate) fn contains(self, kind: &str) -> bool {
        match self {
            Self::Any => kind != names::ACCOUNTS,
            Self::Only(kinds) => kinds.contains(&kind),
        }
    }
}

/// An account that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The location that names its entry. It has no account if one record is for the whole origin.
    pub location: Location,
    /// The record.
    pub record: Record,
}

impl Account {
    /// Returns the name of the account: the record's, or else the location's.
    ///
    /// `https://@example.com` names the entry of the account with an empty name, and also the entry
    /// of a record without an account. The record tells which of the two it is.
    pub fn username(&self) -> Option<&[u8]> {
        let of_location = || self.location.account().filter(|name| !name.is_empty());
        match self.record.field(fields::USERNAME) {
            Some(field) => Some(field.value.expose()),
            None => of_location().map(str::as_bytes),
        }
    }
}

/// A listed account. Its entry may no longer exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The location that names the entry.
    pub location: Location,
    /// The kind of its record.
    pub kind: String,
    /// Whether its account is the default one.
    pub is_default: bool,
}
