//! Why a command did not succeed, and its message. `docs/exit-codes.md` promises the exit codes.

use std::io;

use keyward_config::nearest;
use keyward_core::{Error, ErrorKind};

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something failed.
    Failed(Error),
    /// Something failed. The exit code and the whole message.
    Code(u8, String),
    /// A program that was started ended with this exit code. It has said itself what was wrong.
    Ended(u8),
    /// Standard output cannot be written.
    Output(io::Error),
}

pub(crate) type Outcome<T = ()> = Result<T, Stop>;

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<clap::Error> for Stop {
    fn from(error: clap::Error) -> Self {
        Self::Code(2, error.to_string().trim_end().to_owned())
    }
}

/// Returns an error about the command line.
pub(crate) fn usage_error(message: impl Into<String>) -> Stop {
    Stop::Failed(Error::invalid("usage", message))
}

/// Returns an error about an unknown word. Its hint is the most similar known word.
pub(crate) fn usage_error_with_hint<'a>(
    message: String,
    wrong: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Stop {
    let error = Error::invalid("usage", message);
    Stop::Failed(match nearest(wrong, known) {
        Some(hint) => error.hint(hint),
        None => error,
    })
}

/// Returns the exit code of a kind of error.
pub(crate) const fn exit_code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Invalid | ErrorKind::Exists | ErrorKind::Unsupported => 2,
        ErrorKind::NotFound => 3,
        ErrorKind::Refused => 4,
        ErrorKind::Locked => 5,
        ErrorKind::NoKey | ErrorKind::Corrupt => 6,
        ErrorKind::Unavailable | ErrorKind::Full => 7,
        ErrorKind::Conflict => 8,
        ErrorKind::Unauthorized => 9,
        _ => 1,
    }
}
