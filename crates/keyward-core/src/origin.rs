use std::fmt;

/// A server that a record may be sent to: a scheme, a host and a port, as in RFC 6454.
///
/// This is only the data. The parser that makes canonical origins from URLs is a separate crate, so
/// that core need not know what a URL is. Two canonical origins are the same exactly if they are
/// equal. One that is not canonical equals none.
///
/// `Display` writes it as RFC 6454 section 6.2 says, without the port if it is the scheme's
/// default.
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
    /// The host in its ASCII form, in lower case, or an IP address; an IPv6 address is in brackets.
    pub host: String,
    /// The port, also if it is the scheme's default.
    pub port: u16,
}

impl Origin {
    /// Whether the host is this machine: `localhost` or a loopback address.
    pub fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        let address = bare.parse::<core::net::IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// Returns the default port of this scheme, if it has one.
    ///
    /// The schemes are those that git, mail, directories and the web use. A record contains the
    /// port itself, so that this table may grow.
    pub fn default_port(scheme: &str) -> Option<u16> {
        Some(match scheme {
            "ftp" => 21,
            "ftps" => 990,
            "git" => 9418,
            "http" | "ws" => 80,
            "https" | "s3" | "wss" => 443,
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
