use std::fmt;

/// Where a setting comes from. A later layer overrides an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Keyward itself.
    BuiltIn,
    /// `/etc/keyward`.
    System,
    /// The user's own configuration.
    User,
    /// An environment variable.
    Environment,
    /// The command line.
    Flag,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BuiltIn => "built in",
            Self::System => "system",
            Self::User => "user",
            Self::Environment => "environment",
            Self::Flag => "flag",
        })
    }
}
