//! The credentials that git's own helpers store. Helpers cannot list what they store, so an import
//! asks for each URL.

use keyward_core::{EntryId, Error, Record, Result, Source};
use keyward_git::GitSource;
use keyward_kinds::fields;
use keyward_origin::Location;

use crate::accounts::{Found, Place};

/// The only user of the source: git's helpers belong to the caller.
pub const CALLER: &str = "caller";

/// Asks git, as a source of [`CALLER`], for the credential of this location.
pub fn find(git: &GitSource, location: &Location) -> Found {
    Found { place: Place::Url(location.to_string()), credential: ask(git, location) }
}

/// Returns git's record with its location: git reports for which account it is.
fn ask(git: &GitSource, asked: &Location) -> Result<(Location, Record)> {
    let record = git.get(&EntryId::new(CALLER, Some(&asked.to_string()))?).map_err(|error| {
        match error.is_miss() {
            true => Error::not_found("import").because("none of git's helpers has a credential"),
            false => error,
        }
    })?;
    let username = record.field(fields::USERNAME).and_then(|field| field.value.expose_str());
    let account = username.or(asked.account()).map(str::to_owned);
    let location = Location::new(asked.origin().clone(), account.as_deref(), asked.path())?;
    Ok((location, record))
}
