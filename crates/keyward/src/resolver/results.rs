//! What sources return.

use keyward_core::{Error, Record, Result, Timestamp};
use keyward_kinds::Kinds;
use keyward_resolver::Query;

/// Returns the record, unless it has expired.
pub(super) fn unexpired(
    record: Record,
    now: Timestamp,
    query: &Query<'_>,
    kinds: &Kinds,
) -> Result<Record> {
    if kinds.is_expired(&record, now) && !query.accepts_expired() {
        return Err(Error::not_found("resolve").because("the record has expired"));
    }
    Ok(record)
}

/// Returns the same error once more.
pub(super) fn again(error: &Error) -> Error {
    let causes: Vec<_> = error.causes().collect();
    let again = Error::new(error.kind(), error.operation().to_owned())
        .because(error.message())
        .hint(error.advice().unwrap_or_default())
        .in_backend(error.backend());
    if causes.is_empty() { again } else { again.caused_by(causes.join("; ")) }
}
