use std::fmt;

use keyward_core::{Origin, Result};

use crate::from_parts;
use crate::location::decode;
use crate::syntax::{Parts, refusal};

/// The URL of a request: an origin, a path and a query. Nothing of it is decoded, so what is matched
/// is what is sent. The URL of a file of this machine has an origin without a host, to which no
/// credential can be bound.
///
/// # Examples
/// ```
/// use keyward_origin::Target;
///
/// let target = Target::parse("https://Example.com:443/a%20b?c=d#e")?;
/// assert_eq!(target.to_string(), "https://example.com/a%20b?c=d");
/// assert_eq!(target.path(), "/a%20b");
/// assert!(Target::parse("https://example.com/public/%2e./secret").is_err());
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    origin: Origin,
    account: Option<String>,
    path: String,
    query: Option<String>,
}

impl Target {
    /// Reads a URL. A fragment is left out: it is not sent.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if another program could read the URL
    /// differently: it contains a blank, a backslash or a control character, its path has a segment
    /// `.` or `..`, escaped or not, or characters other than ASCII; or if it contains a password.
    pub fn parse(url: &str) -> Result<Self> {
        let parts = Parts::split(url)?;
        if parts.user_info.is_some_and(|user_info| user_info.contains(':')) {
            return Err(refusal("it must not contain a password")
                .hint("Leave out the colon and everything after it up to the `@`"));
        }
        let sent = parts.rest.split('#').next().unwrap_or_default();
        let (path, query) = match sent.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (sent, None),
        };
        let is_dots = |segment: &str| {
            let plain = segment.to_ascii_lowercase().replace("%2e", ".");
            matches!(plain.as_str(), "." | "..")
        };
        if path.split('/').any(is_dots) {
            return Err(refusal("the path has a segment `.` or `..`"));
        }
        if !sent.is_ascii() {
            return Err(refusal("the path contains characters other than ASCII")
                .hint("Escape them, as in %C3%A4"));
        }
        let account = parts.user_info.map(|name| decode(name, "")).transpose()?;
        Ok(Self {
            origin: match (parts.scheme, parts.user_info, parts.host) {
                // RFC 8089.
                ("file", None, "" | "localhost") => {
                    Origin { scheme: "file".into(), host: String::new(), port: 0 }
                }
                ("file", ..) => return Err(refusal("it names a file of another machine")),
                (scheme, _, host) => from_parts(scheme, host)?,
            },
            account: account.filter(|name| !name.is_empty()),
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
            query,
        })
    }

    /// Where the request goes.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The account that the URL names, without escapes.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The path, which begins with a slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query, without its `?`.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Returns the target to which this one leads with a reference from a response: an absolute URL,
    /// or one that is relative to this target (RFC 3986 section 5).
    ///
    /// # Errors
    /// As [`parse`](Self::parse); a password in it, too.
    pub fn join(&self, reference: &str) -> Result<Self> {
        let base = url::Url::parse(&self.to_string()).map_err(|_| refusal("it is not a URL"))?;
        // The parser would silently drop or change these.
        if reference.chars().any(|c| c == '\\' || c.is_control() || c.is_whitespace()) {
            return Err(refusal("it contains a blank, a backslash or a control character"));
        }
        let joined = base.join(reference).map_err(|_| refusal("it is not a URL"))?;
        if !matches!(joined.scheme(), "http" | "https") {
            return Err(refusal("a response may only lead to http and https"));
        }
        Self::parse(joined.as_str())
    }
}

/// Writes the URL as it is sent, without the account.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin.scheme.as_str() {
            "file" => write!(f, "file://{}", self.path)?,
            _ => write!(f, "{}{}", self.origin, self.path)?,
        }
        match &self.query {
            Some(query) => write!(f, "?{query}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: &str) {
        let target = Target::parse(url).map(|target| target.to_string());
        assert_eq!(target.unwrap_or_default(), expected, "{url}");
    }

    #[test]
    fn a_target_is_what_is_sent() {
        check("https://x", "https://x/");
        check("https://X:443?q", "https://x/?q");
        check("https://ann@x:8443/a/b?c=/../d#e?f", "https://x:8443/a/b?c=/../d");
        check("https://x/a//b/...", "https://x/a//b/...");
        check("file:///a%20b", "file:///a%20b");
        check("file://localhost/a", "file:///a");
        for url in [
            "https://x/..",
            "https://x/a/./b",
            "https://x/a/%2E%2e/b",
            "https://x/ä",
            "https://a:b@x/",
            "https://x/a b",
            r"https://good.example\@evil.example/",
            "https:/x",
            "x/y",
            "file://host/a",
            "file:///a/../b",
            "file:a",
            "file:///a b",
            "file://ann@localhost/a",
        ] {
            check(url, "");
        }
    }

    #[test]
    fn a_reference_leads_where_a_browser_would_go() {
        let base = Target::parse("https://x.example/a/b?c").unwrap();
        let join = |reference: &str| {
            base.join(reference).map(|target| target.to_string()).unwrap_or_default()
        };
        for (reference, expected) in [
            ("d", "https://x.example/a/d"),
            ("/d?e", "https://x.example/d?e"),
            ("//y.example/d", "https://y.example/d"),
            ("http://y.example", "http://y.example/"),
            ("../../../d", "https://x.example/d"),
            ("?q", "https://x.example/a/b?q"),
            ("https://ann:pw@y.example/", ""),
            ("https://ann@y.example/", "https://y.example/"),
            ("/\\y.example", ""),
            ("javascript:alert(1)", ""),
            ("file:///etc/passwd", ""),
            ("ftp://x.example/d", ""),
            ("sftp://x.example/d", ""),
            ("data:,x", ""),
        ] {
            assert_eq!(join(reference), expected, "{reference}");
        }
    }
}
