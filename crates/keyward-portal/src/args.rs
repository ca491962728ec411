//! Checkers as strings: `--auth TYPE[:ARGS]`, for the program and for servers of others.

#[cfg(feature = "clap")]
mod group;
mod help;
mod spec;
#[cfg(test)]
mod tests;

use std::fmt;

use keyward_core::{Error, Role, printable};

#[cfg(feature = "clap")]
pub use group::AuthArgs;
pub use help::{help, type_help};
pub use spec::AuthSpec;

/// What is wrong with a description of a checker.
#[derive(Debug)]
#[non_exhaustive]
pub enum UsageError {
    /// There is no such type of checker.
    NotRecognized(Error),
    /// The checker serves no kind of credential that this server supports.
    NotSupported {
        /// The type.
        name: String,
        /// The kinds that the server supports.
        supported: Vec<String>,
    },
    /// The arguments are not valid, or the checker does not open with them.
    Unexpected {
        /// The type.
        name: String,
        /// What is wrong.
        error: Error,
    },
}

impl UsageError {
    /// The status with which a server exits, as programs of Twisted do (`EX_USAGE` of sysexits.h).
    pub const EXIT_CODE: u8 = 64;
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checker = Role::Checker;
        match self {
            Self::NotRecognized(error) => {
                write!(f, "the type is not recognized: {error}")?;
                error.advice().map_or(Ok(()), |advice| write!(f, " ({advice})"))
            }
            Self::NotSupported { name, supported } => write!(
                f,
                "the {checker} {} is not supported: this server supports {}",
                printable(name),
                if supported.is_empty() { "none".to_owned() } else { supported.join(", ") }
            ),
            Self::Unexpected { name, error } => {
                write!(f, "the {checker} {} cannot be used: {error}", printable(name))
            }
        }
    }
}

impl std::error::Error for UsageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotRecognized(error) | Self::Unexpected { error, .. } => Some(error),
            Self::NotSupported { .. } => None,
        }
    }
}
