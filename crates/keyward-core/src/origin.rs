use std::fmt;

/// Whom a record may be given to: a scheme, a host and a port, as in RFC 6454.
///
/// This is the data alone. The parser that makes canonical ones out of URLs is a crate of its
/// own, so that core need not know what a URL is. Two canonical origins are the same exactly if
/// they are equal; one that is not canonical equals none.
///
/// For people it is written as RFC 6454 section 6.2 has it, without the port that is the
/// scheme's own.
///
/// # Examples
/// ```
/// use keyward_core::Origin;
///
/// let mut origin = Origin { scheme: "https".into(), host: "example.com".into(), port: 443 };
/// assert_eq!(origin.to_string(), "https://example.com");
/// origin.port = 8443;
/// assert_eq!(origin.to_string(), "https://example.com:8443");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The scheme, in lower case: `https`.
    pub scheme: String,
    /// The host in its ASCII form, in lower case, or an IP address; one of version 6 in brackets.
    pub host: String,
    /// The port, written out even where it is the scheme's default.
    pub port: u16,
}

impl Origin {
    /// The port that this scheme means where a URL names none, if it has one.
    ///
    /// The schemes are those that git, mail, directories and the web use. A record holds the port
    /// itself, so that this table may grow.
    pub fn default_port(scheme: &str) -> Option<u16> {
        Some(match scheme {
            "ftp" => 21,
            "ftps" => 990,
            "git" => 9418,
            "http" | "ws" => 80,
            "https" | "wss" => 443,
            "imap" => 143,
            "imaps" => 993,
            "ldap" => 389,
            "ldaps" => 636,
            "pop3" => 110,
            "pop3s" => 995,
            "sftp" | "ssh" => 22,
            "smtp" => 25,
            "smtps" => 465,
            _ => return None,
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match Self::default_port(&self.scheme) {
            Some(port) if port == self.port => Ok(()),
            _ => write!(f, ":{}", self.port),
        }
    }
}
