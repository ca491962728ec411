use std::error::Error;
use std::fmt;

/// What a client sent cannot be read. It is a refusal and never a fault of the server.
///
/// The reason is for the log. It quotes nothing that the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(&'static str);

impl Malformed {
    /// Makes one with its reason.
    pub const fn new(why: &'static str) -> Self {
        Self(why)
    }

    /// Why it cannot be read.
    pub fn why(&self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Malformed {}
