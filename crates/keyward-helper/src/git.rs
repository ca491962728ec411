//! git's credential protocol, as a helper speaks it: gitcredentials(7), git-credential(1).
//!
//! git runs a helper with one word, the [`Action`], and writes a [`Request`] to it. To [`get`] the
//! helper answers with a [`Reply`]; to [`store`] and [`erase`] it says nothing. Attributes that
//! this module does not know are ignored, as are actions, so that later versions of git are served
//! as well.
//!
//! | git says | record |
//! |---|---|
//! | `username`, `password` | kind `user-password`: `username`, `password` |
//! | `authtype`, `credential` | kind `http-authorization`: `scheme`, `credential`, `username` if known |
//! | `password_expiry_utc` | when the field `password` or `credential` expires |
//! | `oauth_refresh_token` | `refresh_token` |
//!
//! # Security
//! - A credential is given to the origin it was stored for alone: scheme, host and port.
//! - A value that some reader could take for two lines is refused, in both directions.
//! - Of an expired credential neither the password nor the `credential` is given.
//! - Where a source fails, nothing is answered that would send git on to the next helper: the
//!   error comes back, and [`Reply::quit`] is what to tell git.

mod lines;
mod records;
mod reply;
mod request;
mod served;

#[cfg(test)]
mod tests;

pub use lines::{MAX_LINE, MAX_REQUEST};
pub use records::{AUTHORIZATION, USER_PASSWORD, credential, expiry};
pub use reply::Reply;
pub use request::{Capabilities, Request};

use keyward_core::{Record, Result, Timestamp};

use crate::accounts::{Accounts, other_kind};

/// What the action `capability` prints.
pub const CAPABILITIES: &str = "version 0\ncapability authtype\ncapability state\n";

/// What git wants of a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A credential, if there is one.
    Get,
    /// A credential was accepted; it is to be kept.
    Store,
    /// A credential was refused; it is to be forgotten.
    Erase,
    /// What the helper can do beyond the first version of the protocol: [`CAPABILITIES`].
    Capability,
}

impl Action {
    /// The action of this name. Others are to be ignored without a word.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "get" => Some(Self::Get),
            "store" => Some(Self::Store),
            "erase" => Some(Self::Erase),
            "capability" => Some(Self::Capability),
            _ => None,
        }
    }
}

/// The credential that git asks for, or an empty reply.
///
/// An expired one that can be refreshed is answered by its username and its refresh token, so that
/// a helper further on can refresh it.
///
/// # Errors
/// Those of the source, but for [`NotFound`](keyward_core::ErrorKind::NotFound). Then nothing may
/// be known about the credential, and [`Reply::quit`] keeps git from asking elsewhere.
pub fn get(request: &Request, accounts: &Accounts<'_>, now: Timestamp) -> Result<Reply> {
    let kinds: &[&str] =
        if request.capabilities.authtype { records::KINDS } else { &[USER_PASSWORD] };
    let Some(wanted) = &request.location else { return Ok(Reply::default()) };
    let is_good = |record: &Record| records::is_good(record, now);
    let found = accounts.find(wanted, kinds, &is_good)?;
    let mut reply = found.map(|account| records::reply(&account, now)).unwrap_or_default();
    if request.capabilities.state && (reply.password.is_some() || reply.credential.is_some()) {
        reply.state = Some(served::mark(wanted, &reply));
    }
    Ok(reply)
}

/// Keeps the credential that the request holds.
///
/// A request without a whole credential, and one whose credential is ephemeral, of one stage among
/// several, expired, or by its `state[]` just what [`get`] gave, is passed over. Nothing is written if all of it is known already. The same
/// password again keeps the refresh token that the request does not name, and the expiry if it is
/// still to come; with another password, the old ones go.
///
/// # Errors
/// Those of the source; [`Exists`](keyward_core::ErrorKind::Exists) where the entry is another
/// one's, or its record of a kind that git does not know, [`Full`](keyward_core::ErrorKind::Full) if the origin has too many accounts.
pub fn store(request: &Request, accounts: &Accounts<'_>, now: Timestamp) -> Result<()> {
    let Some(location) = &request.location else { return Ok(()) };
    // What another git had forgotten meanwhile is to be there again.
    if served::is_unchanged(request) && accounts.contains(location)? {
        return Ok(());
    }
    let Some(credential) = records::to_keep(request, now) else { return Ok(()) };
    accounts.keep(location, now, &|old| {
        if old.kind.is_empty() || records::KINDS.contains(&old.kind.as_str()) {
            return Ok(records::with(old, &credential, now));
        }
        Err(other_kind(&old))
    })
}

/// Forgets the credentials that match all of the request, password included.
///
/// # Errors
/// Those of the source. Nothing to forget is no error.
pub fn erase(request: &Request, accounts: &Accounts<'_>, now: Timestamp) -> Result<()> {
    let Some(wanted) = &request.location else { return Ok(()) };
    let is_meant = |record: &Record| records::is_meant(request, record);
    accounts.forget(wanted, records::KINDS, now, &is_meant).map(drop)
}
