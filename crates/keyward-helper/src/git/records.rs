//! Converts between git's attributes and records.

use keyward_accounts::Account;
use keyward_core::{Field, Record, Secret, Timestamp};
use keyward_kinds::fields::{CREDENTIAL, PASSWORD, REFRESH_TOKEN, SCHEME, USERNAME};
use keyward_kinds::names::{HTTP_AUTHORIZATION, USER_PASSWORD};
use keyward_origin::Location;

use super::{Reply, Request};

/// The kinds of record that git's credentials are stored in.
pub(super) const KINDS: &[&str] = &[USER_PASSWORD, HTTP_AUTHORIZATION];

/// The fields that git's attributes set; other fields are not changed.
const FIELDS: &[&str] = &[USERNAME, PASSWORD, SCHEME, CREDENTIAL, REFRESH_TOKEN];

/// Returns the reply for this account.
pub(super) fn reply(account: &Account, now: Timestamp) -> Reply {
    let record = &account.record;
    let value = |name| record.field(name).map(|field| field.value.clone());
    let has = |name| record.field(name).is_some();
    let named = Reply {
        username: account.username().map(Secret::from),
        oauth_refresh_token: value(REFRESH_TOKEN),
        ..Reply::default()
    };
    let expires = expiry(record);
    let is_good = is_good(record, now);
    match record.kind.as_str() {
        USER_PASSWORD if is_good && has(PASSWORD) => {
            Reply { password: value(PASSWORD), password_expiry_utc: expires, ..named }
        }
        HTTP_AUTHORIZATION if is_good && has(SCHEME) && has(CREDENTIAL) => Reply {
            authtype: value(SCHEME),
            credential: value(CREDENTIAL),
            password_expiry_utc: expires,
            ..named
        },
        _ if named.oauth_refresh_token.is_some() => named,
        _ => Reply::default(),
    }
}

/// Whether the record has not expired.
pub(super) fn is_good(record: &Record, now: Timestamp) -> bool {
    expiry(record).is_none_or(|expires| expires > now)
}

/// Returns the fields to store for a request, if it contains a credential that may be stored.
///
/// After every success git sends what it used. That may be only an origin, and must not count as an
/// empty credential.
pub(super) fn to_keep(request: &Request, now: Timestamp) -> Option<Record> {
    let has_expired = request.password_expiry_utc.is_some_and(|expires| expires <= now);
    if request.ephemeral || request.multistage || has_expired { None } else { credential(request) }
}

/// Returns the credential in a request, or in a reply of git, which has the same form; `None` if it
/// is not complete. The caller decides for which origin and account it is.
pub fn credential(request: &Request) -> Option<Record> {
    let expires = request.password_expiry_utc;
    let passing = |secret: &Secret| Field::secret(secret.clone()).with_expires(expires);
    let record = match (&request.authtype, &request.credential) {
        (Some(scheme), Some(credential)) if !scheme.is_empty() && !credential.is_empty() => {
            Record::new(HTTP_AUTHORIZATION)
                .with(SCHEME, Field::open(scheme.as_str()))
                .with(CREDENTIAL, passing(credential))
        }
        _ => {
            // Both may be empty: git sends them so if a ticket or a certificate authenticates the
            // user.
            request.location.as_ref()?.account()?;
            Record::new(USER_PASSWORD).with(PASSWORD, passing(request.password.as_ref()?))
        }
    };
    let username = request.location.as_ref().and_then(Location::account);
    let username = username.map(|name| (USERNAME, Field::open(name)));
    let token = request.oauth_refresh_token.clone();
    let token = token.map(|token| (REFRESH_TOKEN, Field::secret(token)));
    let more = [username, token].into_iter().flatten();
    Some(more.fold(record, |record, (name, field)| record.with(name, field)))
}

/// Returns the record with this credential, which a server has accepted just `now`.
///
/// The same secret again keeps what the credential does not name. Another secret comes from another
/// grant, so that the old expiry and the old refresh token are not valid for it.
pub(super) fn with(mut record: Record, credential: &Record, now: Timestamp) -> Record {
    let known_expiry = expiry(&record);
    if !holds_secret_of(&record, credential) {
        record.fields.retain(|name, _| !FIELDS.contains(&name.as_str()));
        record.expires = None;
    } else if known_expiry.is_some_and(|expiry| expiry <= now) {
        // The server accepted it, so it has not expired.
        record.expires = None;
        if let Some(field) = record.fields.get_mut(secret_name(&record.kind)) {
            field.expires = None;
        }
    }
    record.kind.clone_from(&credential.kind);
    for (name, new) in &credential.fields {
        match record.fields.get_mut(name) {
            Some(old) if old.value != new.value => *old = new.clone(),
            Some(old) if new.expires.is_some() && new.expires != known_expiry => {
                old.expires = new.expires;
            }
            Some(_) => {}
            None => drop(record.fields.insert(name.clone(), new.clone())),
        }
    }
    record
}

/// Whether both have the same kind and the same secret.
pub(super) fn holds_secret_of(record: &Record, credential: &Record) -> bool {
    let [old, new] = [record, credential].map(|it| secret(it).map(|field| &field.value));
    record.kind == credential.kind && old.is_some() && old == new
}

/// Whether the record has the password and the credential that the request names, if it names any.
pub(super) fn is_meant(request: &Request, record: &Record) -> bool {
    let is = |name, wanted: &Option<Secret>| {
        wanted
            .as_ref()
            .is_none_or(|wanted| record.field(name).is_some_and(|field| field.value == *wanted))
    };
    is(PASSWORD, &request.password) && is(CREDENTIAL, &request.credential)
}

/// Returns when the secret of a credential expires, by itself or with the record.
pub fn expiry(record: &Record) -> Option<Timestamp> {
    let own = secret(record).and_then(|field| field.expires);
    [record.expires, own].into_iter().flatten().min()
}

fn secret(record: &Record) -> Option<&Field> {
    record.field(secret_name(&record.kind))
}

fn secret_name(kind: &str) -> &'static str {
    if kind == HTTP_AUTHORIZATION { CREDENTIAL } else { PASSWORD }
}
