//! Converts SQLite's errors to Keyward's.

use std::error::Error as _;
use std::path::Path;

use keyward_plugin::{Error, ErrorKind};
use rusqlite::ErrorCode;

/// Returns the error that SQLite reported during `operation`. SQLite's messages name tables and
/// causes, never values.
pub(crate) fn failed(operation: &'static str, error: rusqlite::Error) -> Error {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ErrorKind::Corrupt,
        Some(ErrorCode::DiskFull) => ErrorKind::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ErrorKind::Locked,
        // This storage would not have written such a row: it checks the size before a put.
        Some(ErrorCode::TooBig) if operation != "put" => {
            return Error::corrupt(operation).because("the entry is too large").caused_by(error);
        }
        Some(ErrorCode::TooBig) => ErrorKind::Unsupported,
        Some(ErrorCode::PermissionDenied) => ErrorKind::Refused,
        // SQLite opens a file read-only if it cannot open it for writing, for example because no
        // file descriptor is left.
        Some(ErrorCode::ReadOnly) => ErrorKind::Unavailable,
        // The tables or values were not made by this storage.
        Some(ErrorCode::Unknown | ErrorCode::SchemaChanged) => ErrorKind::Corrupt,
        Some(_) => ErrorKind::Unavailable,
        None => ErrorKind::Corrupt,
    };
    Error::new(kind, operation).because(format!("SQLite: {}", plain(&error))).caused_by(error)
}

/// Adds the file and a hint to an error of SQLite. Other errors already name their file.
pub(crate) fn in_file(error: Error, path: &Path) -> Error {
    let code = error.source().and_then(|source| source.downcast_ref::<rusqlite::Error>());
    let Some(code) = code.map(rusqlite::Error::sqlite_error_code) else { return error };
    let why = format!("{}: {}", path.display(), error.message());
    let hint = match code {
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "Check that the file and its folder can be written"
        }
        Some(ErrorCode::DiskFull) => "Free some space on the disk",
        Some(ErrorCode::SystemIoFailure) => "Check the disk that holds the file",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "Another process uses the database; try again"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "Put the file back from a backup"
        }
        _ => return error.because(why),
    };
    let hint = error.advice().unwrap_or(hint).to_owned();
    // Without the source, which would repeat the message.
    Error::new(error.kind(), error.operation().to_owned()).because(why).hint(hint)
}

/// Returns the message without the statement that caused it.
fn plain(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}
