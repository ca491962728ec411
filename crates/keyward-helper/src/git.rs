//! git's credential protocol, as a helper speaks it: gitcredentials(7), git-credential(1).
//!
//! git runs a helper with one word, the [`Action`], and writes a [`Request`] to it. For [`get`] the
//! helper writes a [`Reply`]; for [`store`] and [`erase`] it writes nothing. This module ignores
//! unknown attributes and actions, so that it also works with later versions of git.
//!
//! | git says | record |
//! |---|---|
//! | `username`, `password` | kind `user-password`: `username`, `password` |
//! | `authtype`, `credential` | kind `http-authorization`: `scheme`, `credential`, `username` if known |
//! | `password_expiry_utc` | when the field `password` or `credential` expires |
//! | `oauth_refresh_token` | `refresh_token` |
//!
//! git also gets the access token of a record of the kind `oauth2`, as a password or as a Bearer
//! credential. Keyward refreshes it: git gets no refresh token, and stores nothing of it.
//!
//! # Security
//! - A credential is given only to the origin for which it was stored: scheme, host and port.
//! - A value that a reader could take for two lines is refused, in both directions.
//! - Neither the password nor the `credential` of an expired credential is given.
//! - If a source fails, the helper must not write a reply that makes git ask the next helper: the
//!   caller gets the error, and writes [`Reply::quit`] to git.

mod lines;
mod oauth;
mod records;
mod reply;
mod request;
mod state_digest;

#[cfg(test)]
mod tests;

pub use lines::{MAX_LINE, MAX_REQUEST};
pub use records::{credential, expiry};
pub use reply::Reply;
pub use request::{Capabilities, Request};

use keyward_accounts::{Account, Accounts, Kinds};
use keyward_core::{Error, Record, Result, Secret, Timestamp};
use keyward_kinds::{names, other_kind};
use keyward_origin::Location;

use crate::{Answer, Call, Given, Renew, Sources};

/// What the action `capability` prints.
pub const CAPABILITIES: &str = "version 0\ncapability authtype\ncapability state\n";

/// What git asks a helper to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Return a credential, if there is one.
    Get,
    /// A server accepted a credential, which the helper should store.
    Store,
    /// A server refused a credential, which the helper should forget.
    Erase,
    /// Return what the helper can do beyond the first version of the protocol: [`CAPABILITIES`].
    Capability,
}

impl Action {
    /// Returns the action of this name. The caller must silently ignore other names.
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

impl Call for Action {
    type Request = Request;

    const MAX_REQUEST: usize = MAX_REQUEST;

    fn fixed_reply(&self) -> Option<Secret> {
        (*self == Self::Capability).then(|| CAPABILITIES.into())
    }

    fn parse(&self, request: &[u8]) -> Result<Request> {
        Request::parse(request)
    }

    /// git ignores how a helper ends, and would ask for the password again without a reason.
    fn warning(&self, request: &Request) -> Option<String> {
        let why = request.refusal.as_ref().filter(|_| *self == Self::Store)?;
        Some(format!("keyward does not keep this credential: {why}"))
    }

    fn answer(&self, request: &Request, sources: &Sources<'_>, now: Timestamp) -> Result<Answer> {
        match self {
            Self::Get => {
                let (reply, given) = find(request, sources, now)?;
                return Ok(Answer { reply: reply.encode()?, given });
            }
            Self::Store => store(request, sources, now)?,
            Self::Erase => erase(request, sources.accounts, now)?,
            Self::Capability => {}
        }
        Ok(Answer { reply: self.miss(), given: None })
    }

    fn miss(&self) -> Secret {
        Secret::default()
    }

    /// After a failed `get`, git must not ask its next helper or the user. It ignores what the other
    /// actions print.
    fn failure(&self, _: &Error) -> Secret {
        match self {
            Self::Get => "quit=1\n".into(),
            _ => Secret::default(),
        }
    }
}

/// Returns the credential that git asks for, or an empty reply.
///
/// For an expired credential that can be refreshed, the reply contains its username and its refresh
/// token, so that a later helper can refresh it.
///
/// # Errors
/// Those of the sources, except [`NotFound`](keyward_core::ErrorKind::NotFound). After an error it is
/// unknown whether there is a credential, and [`Reply::quit`] keeps git from asking another helper.
pub fn get(request: &Request, sources: &Sources<'_>, now: Timestamp) -> Result<Reply> {
    find(request, sources, now).map(|(reply, _)| reply)
}

/// Returns what [`get`] returns, and whose secret it is.
fn find(
    request: &Request,
    sources: &Sources<'_>,
    now: Timestamp,
) -> Result<(Reply, Option<Given>)> {
    let Some(wanted) = &request.location else { return Ok(Default::default()) };
    let can = request.capabilities;
    let kinds: &[&str] = match can.authtype {
        true => &[names::USER_PASSWORD, names::HTTP_AUTHORIZATION, names::OAUTH2],
        false => &[names::USER_PASSWORD, names::OAUTH2],
    };
    let is_good = |record: &Record| match oauth::is_login(record) {
        true => oauth::is_complete(record),
        false => records::is_good(record, now),
    };
    let mut found = None;
    if let Some(account) = sources.accounts.find(wanted, Kinds::Only(kinds), &is_good)? {
        let given = Given::Account(account.location.clone());
        found = Some((reply(account, sources.renew, can, now)?, given));
    }
    if found.as_ref().is_none_or(|(reply, _)| *reply == Reply::default())
        && let Some(record) = (sources.provided)(wanted)?
        && kinds.contains(&record.kind.as_str())
    {
        let account = Account { location: wanted.clone(), record };
        found = Some((reply(account, &|_, record| Ok(record), can, now)?, Given::Provided));
    }
    let Some((mut reply, given)) = found else { return Ok(Default::default()) };
    if can.state && (reply.password.is_some() || reply.credential.is_some()) {
        reply.state = Some(state_digest::state(wanted, &reply));
    }
    let is_empty = reply == Reply::default();
    Ok((reply, Some(given).filter(|_| !is_empty)))
}

/// Returns the reply that gives git an account.
fn reply(
    mut account: Account,
    renew: Renew<'_>,
    can: Capabilities,
    now: Timestamp,
) -> Result<Reply> {
    if !oauth::is_login(&account.record) {
        return Ok(records::reply(&account, now));
    }
    if !oauth::is_complete(&account.record) {
        return Ok(Reply::default());
    }
    account.record = renew(&account.location, account.record)?;
    Ok(oauth::reply(&account, can, now))
}

/// Stores the credential of the request.
///
/// It ignores a request without a complete credential, and a credential that is ephemeral, that is
/// one of several stages, that has expired, or that [`get`] gave unchanged, as its `state[]` shows.
/// It writes nothing if nothing is new. The same password again keeps the refresh token if the
/// request names none, and the expiry if that is in the future. With another password, both are
/// removed. An account that logs in by OAuth keeps its login. What a provider names is stored already.
///
/// # Errors
/// Those of the source; [`Exists`](keyward_core::ErrorKind::Exists) if the entry was not made by
/// this module or its record has a kind that git does not know,
/// [`Full`](keyward_core::ErrorKind::Full) if the origin has too many accounts.
pub fn store(request: &Request, sources: &Sources<'_>, now: Timestamp) -> Result<()> {
    let Some(location) = &request.location else { return Ok(()) };
    let accounts = sources.accounts;
    // If another git has removed the entry meanwhile, it must exist again.
    if state_digest::is_unchanged(request) && accounts.contains(location)? {
        return Ok(());
    }
    let Some(credential) = records::to_keep(request, now) else { return Ok(()) };
    if oauth::is_named_by_keyward(location) && oauth::find(request, accounts)?.is_some() {
        return Ok(());
    }
    if !accounts.contains(location)? && is_provided(&credential, location, sources)? {
        return Ok(());
    }
    if let Some(confirm) = sources.confirm
        && !is_kept(&credential, location, accounts)?
        && !confirm(location)?
    {
        return Ok(());
    }
    accounts.keep(location, now, &|old| {
        if oauth::is_login(&old) {
            return Ok(old);
        }
        if old.kind.is_empty() || records::KINDS.contains(&old.kind.as_str()) {
            return Ok(records::with(old, &credential, now));
        }
        Err(other_kind(&old))
    })
}

/// Whether an account has this credential already.
fn is_kept(credential: &Record, location: &Location, accounts: &Accounts<'_>) -> Result<bool> {
    let kept = accounts.kept(std::slice::from_ref(location))?;
    Ok(kept.iter().flatten().any(|record| records::holds_secret_of(record, credential)))
}

/// Whether a credential is the one that a provider names.
fn is_provided(credential: &Record, location: &Location, sources: &Sources<'_>) -> Result<bool> {
    let provided = (sources.provided)(location)?;
    Ok(provided.is_some_and(|record| records::holds_secret_of(&record, credential)))
}

/// Removes the credentials that match all of the request, including the password.
///
/// An OAuth login is not removed because its access token was rejected: the next [`get`] refreshes
/// the token.
///
/// # Errors
/// Those of the source. It is not an error if no credential matches.
pub fn erase(request: &Request, accounts: &Accounts<'_>, now: Timestamp) -> Result<()> {
    let Some(wanted) = &request.location else { return Ok(()) };
    let is_meant = |record: &Record| records::is_meant(request, record);
    accounts.forget(wanted, Kinds::Only(records::KINDS), now, &is_meant)?;
    match oauth::find(request, accounts)? {
        Some(account) => accounts.change(&account.location, now, &|record| {
            Ok(oauth::without_rejected(record, request, now))
        }),
        None => Ok(()),
    }
}
