use std::time::Duration;

use keyward_core::{Field, Record, Timestamp};
use keyward_kinds::fields;

use crate::identity::Identity;
use crate::response::{Access, Issued};
use crate::state::RefreshState;

/// A token is refreshed this long before its end at most.
const MAX_MARGIN: Duration = Duration::from_secs(5 * 60);

/// Returns a record with the tokens that a server issued. What the server did not send stays: only
/// some servers send a new refresh token, for example.
///
/// They were asked for with a record that may have changed since, so the caller says what for.
pub(crate) fn with_tokens(
    record: Record,
    issued: &Issued,
    asked_for: &Identity,
    now: Timestamp,
) -> Record {
    let mut record = asked_for.write(record);
    if let Some(token) = &issued.refresh_token {
        record = record.with(fields::REFRESH_TOKEN, Field::secret(token.clone()));
    }
    if let Some(token) = &issued.id_token {
        record = record.with(fields::ID_TOKEN, Field::secret(token.clone()));
    }
    if let Some(scope) = &issued.scope {
        record = record.with(fields::GRANTED_SCOPE, Field::open(scope.clone()));
    }
    match &issued.access {
        Ok(access) => with_access(record, access, now),
        Err(_) => record,
    }
    .with_updated(now)
}

fn with_access(record: Record, access: &Access, now: Timestamp) -> Record {
    let expires = access.life.map(|life| now.after(life));
    let before = record.field(fields::ACCESS_TOKEN).map(|field| &field.value);
    let due = match (expires, access.life) {
        // A server that returns the same token again would do so until the token ends.
        (Some(expires), _) if before == Some(&access.token) => Some(expires),
        (Some(expires), Some(life)) => {
            let margin = (life / 10).min(MAX_MARGIN);
            Some(Timestamp::from_unix(expires.as_unix() - margin.as_secs()))
        }
        _ => None,
    };
    let token = Field::secret(access.token.clone()).with_expires(expires);
    // A record that another program made may have the end of its token as its own.
    let mut record = record.with(fields::ACCESS_TOKEN, token).with_expires(None);
    if let Some(token_type) = &access.token_type {
        record = record.with(fields::TOKEN_TYPE, Field::open(token_type.clone()));
    }
    RefreshState::Good { due }.write(record)
}
