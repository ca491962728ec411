//! Between what git says and what a record holds.

use keyward_core::{Field, Record, Secret, Timestamp};
use keyward_origin::Location;

use super::{Reply, Request};
use crate::accounts::Account;

/// The kind of record that holds a username and a password or access token.
pub const USER_PASSWORD: &str = "user-password";

/// The kind of record that holds the value of an `Authorization` header: `scheme` and `credential`.
pub const AUTHORIZATION: &str = "http-authorization";

/// All kinds of record that git can be answered out of.
pub(super) const KINDS: &[&str] = &[USER_PASSWORD, AUTHORIZATION];

const USERNAME: &str = "username";
const PASSWORD: &str = "password";
const SCHEME: &str = "scheme";
const CREDENTIAL: &str = "credential";
const REFRESH_TOKEN: &str = "refresh_token";

/// The fields that are git's business; all others are left alone.
const FIELDS: &[&str] = &[USERNAME, PASSWORD, SCHEME, CREDENTIAL, REFRESH_TOKEN];

/// What git is told of this account.
pub(super) fn reply(account: &Account, now: Timestamp) -> Reply {
    let record = &account.record;
    let value = |name| record.field(name).map(|field| field.value.clone());
    let named = Reply {
        username: account.username().map(Secret::from),
        oauth_refresh_token: value(REFRESH_TOKEN),
        ..Reply::default()
    };
    let expires = expiry(record);
    let is_good = expires.is_none_or(|expires| expires > now);
    match record.kind.as_str() {
        USER_PASSWORD if is_good && record.field(PASSWORD).is_some() => {
            Reply { password: value(PASSWORD), password_expiry_utc: expires, ..named }
        }
        AUTHORIZATION if is_good && record.field(CREDENTIAL).is_some() => Reply {
            authtype: value(SCHEME),
            credential: value(CREDENTIAL),
            password_expiry_utc: expires,
            ..named
        },
        _ if named.oauth_refresh_token.is_some() => named,
        _ => Reply::default(),
    }
}

/// The fields to keep of a request, if it holds a credential that may be kept.
///
/// git says after every success what it used. That may be no more than an origin, and must not
/// count as an empty credential.
pub(super) fn to_keep(request: &Request, now: Timestamp) -> Option<Record> {
    let expires = request.password_expiry_utc;
    if request.ephemeral || request.multistage || expires.is_some_and(|expires| expires <= now) {
        return None;
    }
    let passing = |secret: &Secret| Field { expires, ..Field::secret(secret.clone()) };
    let record = match (&request.authtype, &request.credential) {
        (Some(scheme), Some(credential)) if !scheme.is_empty() && !credential.is_empty() => {
            Record::new(AUTHORIZATION)
                .with(SCHEME, Field::open(scheme.as_str()))
                .with(CREDENTIAL, passing(credential))
        }
        _ => {
            let password = request.password.as_ref()?;
            if request.location.as_ref()?.account()?.is_empty() && password.is_empty() {
                return None;
            }
            Record::new(USER_PASSWORD).with(PASSWORD, passing(password))
        }
    };
    let username = request.location.as_ref().and_then(Location::account);
    let username = username.map(|name| (USERNAME, Field::open(name)));
    let token = request.oauth_refresh_token.clone();
    let token = token.map(|token| (REFRESH_TOKEN, Field::secret(token)));
    let more = [username, token].into_iter().flatten();
    Some(more.fold(record, |record, (name, field)| record.with(name, field)))
}

/// The record with this credential in it.
///
/// The same secret again keeps what the credential does not name. Another one is another grant, so
/// that the old expiry and the old refresh token mean nothing for it.
pub(super) fn with(mut record: Record, credential: &Record) -> Record {
    let known = secret(&record).map(|field| field.value.clone());
    let is_known = known.is_some() && known == secret(credential).map(|field| field.value.clone());
    let known_expiry = expiry(&record);
    if !is_known {
        record.expires = None;
        record.fields.retain(|name, _| !FIELDS.contains(&name.as_str()));
    }
    record.kind.clone_from(&credential.kind);
    for (name, field) in &credential.fields {
        match record.fields.get_mut(name) {
            Some(old) if old.value == field.value => {
                if field.expires.is_some() && field.expires != known_expiry {
                    old.expires = field.expires;
                }
            }
            _ => drop(record.fields.insert(name.clone(), field.clone())),
        }
    }
    record
}

/// Whether the record holds the very password and credential that the request names, if any.
pub(super) fn is_meant(request: &Request, record: &Record) -> bool {
    let is = |name, wanted: &Option<Secret>| {
        wanted
            .as_ref()
            .is_none_or(|wanted| record.field(name).is_some_and(|field| field.value == *wanted))
    };
    is(PASSWORD, &request.password) && is(CREDENTIAL, &request.credential)
}

/// When the secret stops being good, by itself or with the record.
fn expiry(record: &Record) -> Option<Timestamp> {
    let own = secret(record).and_then(|field| field.expires);
    [record.expires, own].into_iter().flatten().min()
}

fn secret(record: &Record) -> Option<&Field> {
    match record.kind.as_str() {
        USER_PASSWORD => record.field(PASSWORD),
        AUTHORIZATION => record.field(CREDENTIAL),
        _ => None,
    }
}
