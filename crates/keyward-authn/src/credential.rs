//! What a record has that an authenticator can send.

use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use keyward_kinds::{fields, names};
use keyward_plugin::{Error, Record, Result, Secret, SecretWriter, Step};

use keyward_plugin::RefusalCause::{NeedsCredential, WrongCredential};

/// Returns the username and the password of a record.
///
/// # Errors
/// The step that says what is wrong with the record.
pub(crate) fn user_and_password(record: Option<&Record>) -> Result<(&Secret, &Secret), Step> {
    let record = record.ok_or_else(needed)?;
    let value = |name| record.field(name).map(|field| &field.value);
    match (value(fields::USERNAME), value(fields::PASSWORD)) {
        (Some(username), Some(password)) => Ok((username, password)),
        _ => Err(unfit(record, "a username and a password")),
    }
}

/// Returns the token of a record.
///
/// # Errors
/// As [`user_and_password`].
pub(crate) fn token(record: Option<&Record>) -> Result<&Secret, Step> {
    let record = record.ok_or_else(needed)?;
    let name = match record.kind.as_str() {
        names::OAUTH2 => fields::ACCESS_TOKEN,
        names::API_KEY => fields::KEY,
        _ => fields::TOKEN,
    };
    match record.field(name) {
        // An empty token would look like one that was accepted on a server that needs none.
        Some(field) if !field.value.is_empty() => Ok(&field.value),
        _ => Err(unfit(record, "a token")),
    }
}

pub(crate) fn needed() -> Step {
    Step::refuse(NeedsCredential, "the server wants a credential")
}

pub(crate) fn unfit(record: &Record, needed: &str) -> Step {
    let why = format!("a credential of the kind `{}` does not have {needed}", record.kind);
    Step::refuse(WrongCredential, why)
}

/// Puts bytes together.
pub(crate) fn joined(parts: &[&[u8]]) -> Secret {
    let mut whole = SecretWriter::new();
    for part in parts {
        whole.write_all(part).expect("memory can be written");
    }
    whole.finish()
}

/// Returns the value of the header `Authorization` of Basic. RFC 7617 leaves the character set to the server; this sends
/// UTF-8.
///
/// # Errors
/// [`Invalid`](keyward_plugin::ErrorKind::Invalid) if the username contains a colon, which would make
/// another user and another password of it.
pub(crate) fn basic(username: &Secret, password: &Secret) -> Result<Secret> {
    if username.expose().contains(&b':') {
        return Err(Error::invalid("authenticate", "Basic cannot send a username with a colon"));
    }
    let plain = joined(&[username.expose(), b":", password.expose()]);
    let scheme = b"Basic ";
    let length = base64::encoded_len(plain.len(), true);
    let length =
        length.ok_or_else(|| Error::invalid("authenticate", "the password is too long"))?;
    let mut value = vec![0; scheme.len() + length];
    value[..scheme.len()].copy_from_slice(scheme);
    let encoded = BASE64_STANDARD.encode_slice(plain.expose(), &mut value[scheme.len()..]);
    encoded.expect("the length was calculated");
    Ok(Secret::new(value))
}
