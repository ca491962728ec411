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

/// The calls that look up an entry, and so may answer "no such entry".
const LOOK_UPS: [&str; 3] = ["get", "delete", "bulk"];

/// The error that a plugin answered to a call. "No such entry" is accepted from a look-up only.
pub(crate) fn believed(call: &str, error: Error) -> Error {
    if !error.is_miss() || LOOK_UPS.contains(&call) {
        return error;
    }
    // The plugin chose the operation that its error names: name the call instead.
    Error::new(error.kind(), call.to_owned()).in_backend(error.backend()).not_a_miss()
}

/// Puts the file that is meant in front of what is wrong with it.
pub(crate) fn at(path: &Path) -> impl Fn(Error) -> Error {
    move |error| {
        let why = format!("{} {}", path.display(), error.message());
        error.because(why)
    }
}
