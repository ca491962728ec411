//! What a record has that an authenticator can send.

use std::io::Write;

use keyward_kinds::{fields, names};
use keyward_plugin::{Record, Secret, SecretWriter, Step};

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

fn unfit(record: &Record, needed: &str) -> Step {
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
