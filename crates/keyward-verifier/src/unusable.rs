use std::fmt;

/// Why a stored verifier cannot be used.
///
/// It concerns this verifier only: the user cannot log in with it, and everybody else still can. No
/// variant contains a part of the verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unusable {
    /// Nothing here knows the scheme.
    Unknown,
    /// The text is not what its scheme says.
    Malformed,
    /// It would take more memory or time than is allowed.
    TooCostly,
    /// It is empty, or begins with `!` or `*`: no password is right.
    Locked,
    /// It is so weak that it is accepted only where the configuration says so.
    Legacy,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the scheme is not known",
            Self::Malformed => "the text is not what its scheme says",
            Self::TooCostly => "it would take more memory or time than is allowed",
            Self::Locked => "it is locked: no password is right",
            Self::Legacy => "it is so weak that it needs the option `legacy`",
        })
    }
}

impl std::error::Error for Unusable {}
