//! SQLite's errors in Keyward's words.

use keyward_plugin::{Error, ErrorKind};
use rusqlite::ErrorCode;

/// What SQLite reported while it did `operation`. Its messages name tables and causes, never
/// values.
pub(crate) fn failed(operation: &'static str, error: rusqlite::Error) -> Error {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ErrorKind::Corrupt,
        Some(ErrorCode::DiskFull) => ErrorKind::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ErrorKind::Locked,
        Some(ErrorCode::TooBig) => ErrorKind::Unsupported,
        Some(ErrorCode::PermissionDenied) => ErrorKind::Refused,
        // SQLite reads what it could not open for writing, be it that no file descriptor was left.
        Some(ErrorCode::ReadOnly) => ErrorKind::Unavailable,
        // Tables or values that this storage did not make.
        Some(ErrorCode::Unknown | ErrorCode::SchemaChanged) => ErrorKind::Corrupt,
        Some(_) => ErrorKind::Unavailable,
        None => ErrorKind::Corrupt,
    };
    Error::new(kind, operation).because(format!("SQLite: {}", plain(&error))).caused_by(error)
}

/// The message alone, without the statement it came from.
fn plain(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}
