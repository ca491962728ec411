//! The errors for a plugin that cannot be used.

use std::fmt::Display;
use std::path::Path;

use keyward_core::{Error, ErrorKind};

/// Makes the error for a plugin that is unsafe, or is not the trusted file.
pub(crate) fn refused(why: impl Display) -> Error {
    Error::new(ErrorKind::Refused, "plugin").because(why.to_string())
}

/// Makes the error for a plugin that does not exist, cannot be read, or is built so that this
/// program cannot use it.
pub(crate) fn unusable(why: impl Display) -> Error {
    Error::new(ErrorKind::Unavailable, "plugin").because(why.to_string())
}

/// Makes the error for a file that the operating system could not read.
pub(crate) fn unreadable(path: &Path, error: impl Into<std::io::Error>) -> Error {
    let error = error.into();
    unusable(format_args!("{} cannot be read: {error}", path.display())).caused_by(error)
}

/// The calls that look up an entry. Only they may return "no such entry".
const LOOK_UPS: [&str; 3] = ["get", "delete", "bulk"];

/// Returns the error that a plugin returned from a call. "No such entry" is accepted only from a
/// look-up.
pub(crate) fn accept_kind(call: &str, error: Error) -> Error {
    if !error.is_miss() || LOOK_UPS.contains(&call) {
        return error;
    }
    // The plugin chose the operation that its error names, so the error names the call instead.
    Error::new(error.kind(), call.to_owned()).in_backend(error.backend()).not_a_miss()
}

/// Puts the path of the file before the message of an error.
pub(crate) fn with_path(path: &Path) -> impl Fn(Error) -> Error {
    move |error| {
        let why = format!("{} {}", path.display(), error.message());
        error.because(why)
    }
}
