//! How a plugin is turned away, in the two kinds that there are.

use std::fmt::Display;
use std::path::Path;

use keyward_core::{Error, ErrorKind};

/// It is not safe, or not what was trusted.
pub(crate) fn refused(why: impl Display) -> Error {
    Error::new(ErrorKind::Refused, "plugin").because(why.to_string())
}

/// It is not there, cannot be read, or is not built so that this program can use it.
pub(crate) fn unusable(why: impl Display) -> Error {
    Error::new(ErrorKind::Unavailable, "plugin").because(why.to_string())
}

/// The operating system failed with this file.
pub(crate) fn failed(path: &Path, error: impl Into<std::io::Error>) -> Error {
    let error = error.into();
    unusable(format_args!("{} cannot be read: {error}", path.display())).caused_by(error)
}

/// What a plugin fails with, as far as it is believed.
///
/// "No such entry" lets a look-up go on to its next source. So nobody says it but a storage, of an entry.
pub(crate) fn believed(operation: &str, error: Error) -> Error {
    if !error.is_miss() || ["get", "delete", "bulk"].contains(&operation) {
        return error;
    }
    let why = "it says that there is no such entry, where none was looked for";
    Error::new(ErrorKind::Other, operation.to_owned()).because(why).in_backend(error.backend())
}

/// Puts the file that is meant in front of what is wrong with it.
pub(crate) fn at(path: &Path) -> impl Fn(Error) -> Error {
    move |error| {
        let why = format!("{} {}", path.display(), error.message());
        error.because(why)
    }
}
