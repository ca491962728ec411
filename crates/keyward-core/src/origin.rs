use std::fmt;

/// Whom a record may be given to: a scheme, a host and a port, as in RFC 6454.
///
/// This is the data alone. The parser that makes canonical ones out of URLs is a crate of its
/// own, so that core need not know what a URL is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The scheme, in lower case: `https`.
    pub scheme: String,
    /// The host in its ASCII form, in lower case, or an IP address.
    pub host: String,
    /// The port, written out even where it is the scheme's default.
    pub port: u16,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}
