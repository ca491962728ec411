//! Accounts that log in by OAuth: git gets their access token.

use keyward_accounts::{Account, Accounts, Kinds};
use keyward_core::{Record, Result, Secret, Timestamp};
use keyward_kinds::fields::{ACCESS_TOKEN, GIT_SCHEME, GRANT, REFRESH_TOKEN};
use keyward_kinds::names;
use keyward_origin::Location;

use super::{Capabilities, Reply, Request};

/// The username of an account whose record has none. git asks the user if it gets a password without
/// a username. GitLab wants this one; the other servers look at the token only.
const USERNAME: &str = "oauth2";

pub(super) fn is_login(record: &Record) -> bool {
    record.kind == names::OAUTH2
}

/// Whether the login has ended, so that there are tokens, or what gets them. One that was interrupted
/// has only a client, and must not prevent git from asking its other helpers or the user.
pub(super) fn is_complete(record: &Record) -> bool {
    [ACCESS_TOKEN, REFRESH_TOKEN, GRANT].into_iter().any(|name| record.field(name).is_some())
}

/// Returns the reply for this account, whose access token is good if it can be.
pub(super) fn reply(account: &Account, can: Capabilities, now: Timestamp) -> Reply {
    let record = &account.record;
    let Some(token) = record.field(ACCESS_TOKEN) else { return Reply::default() };
    let expires = [record.expires, token.expires].into_iter().flatten().min();
    if expires.is_some_and(|expires| expires <= now) {
        return Reply::default();
    }
    let username = account.username().map(Secret::from);
    let named = Reply { password_expiry_utc: expires, ephemeral: can.authtype, ..Reply::default() };
    match record.field(GIT_SCHEME).map(|field| field.value.expose()) {
        Some(b"bearer") if can.authtype => Reply {
            authtype: Some("Bearer".into()),
            credential: Some(token.value.clone()),
            username,
            ..named
        },
        _ => Reply {
            username: Some(username.unwrap_or_else(|| USERNAME.into())),
            password: Some(token.value.clone()),
            ..named
        },
    }
}

/// Whether the account may be one whose record has no username.
pub(super) fn is_named_by_keyward(location: &Location) -> bool {
    location.account() == Some(USERNAME)
}

/// Returns the account that logs in by OAuth and that the request is about.
pub(super) fn find(request: &Request, accounts: &Accounts<'_>) -> Result<Option<Account>> {
    let Some(wanted) = &request.location else { return Ok(None) };
    let logins = Kinds::Only(&[names::OAUTH2]);
    let has_token = |record: &Record| has_rejected(record, request);
    match accounts.find(wanted, logins, &has_token)? {
        None if is_named_by_keyward(wanted) => {
            let unnamed = Location::new(wanted.origin().clone(), None, wanted.path())?;
            accounts.find(&unnamed, logins, &has_token)
        }
        found => Ok(found),
    }
}

/// Returns the record without the access token that the request names, which a server has rejected.
pub(super) fn without_rejected(mut record: Record, request: &Request, now: Timestamp) -> Record {
    if has_rejected(&record, request)
        && let Some(token) = record.fields.get_mut(ACCESS_TOKEN)
    {
        token.expires = Some(now);
    }
    record
}

fn has_rejected(record: &Record, request: &Request) -> bool {
    let named = [&request.password, &request.credential].into_iter().flatten();
    let token = record.field(ACCESS_TOKEN).map(|field| &field.value);
    named.into_iter().any(|named| Some(named) == token)
}
