//! Converts redb's errors.

use std::io;

use keyward_plugin::{Error, ErrorKind};

/// Converts an error of redb during `operation`. redb's messages contain tables and causes, never
/// values.
pub(crate) fn failed(operation: &'static str, error: impl Into<redb::Error>) -> Error {
    use redb::Error as Redb;
    let error = error.into();
    let kind = match &error {
        // redb reports these kinds for a file that is truncated or is not a database.
        Redb::Io(cause)
            if matches!(
                cause.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            ) =>
        {
            ErrorKind::Corrupt
        }
        Redb::Io(cause) => Error::io(operation, io::Error::from(cause.kind())).kind(),
        Redb::Corrupted(_) => ErrorKind::Corrupt,
        Redb::DatabaseAlreadyOpen | Redb::LockProtocolMismatch => ErrorKind::Locked,
        Redb::UpgradeRequired(_) | Redb::ValueTooLarge(_) => ErrorKind::Unsupported,
        Redb::TableDoesNotExist(_)
        | Redb::TableTypeMismatch { .. }
        | Redb::TableIsMultimap(_)
        | Redb::TypeDefinitionChanged { .. } => ErrorKind::Refused,
        _ => ErrorKind::Unavailable,
    };
    let message = match kind {
        ErrorKind::Refused => "it is another program's database".to_owned(),
        _ => format!("redb: {error}"),
    };
    Error::new(kind, operation).because(message).caused_by(error)
}
