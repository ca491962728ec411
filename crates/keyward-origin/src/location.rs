use std::fmt;

use keyward_core::{Origin, Result};

use crate::percent::{self, is_plain};
use crate::syntax::{Parts, refusal, too_long};
use crate::{MAX_URL, from_parts, parse};

/// The characters that need no escape in a path, besides those that need none anywhere.
const PATH: &str = "/:@";

/// Where a credential belongs: an origin, and an account and a path if they matter.
///
/// Its text is the name of the credential's entry: `https://ann@example.com:8443/team/repo.git`.
/// The text is canonical: only characters that must be escaped are, the scheme's default port is
/// left out, and [`parse`](Self::parse) returns the location that wrote it. So two locations are
/// the same exactly if their texts are.
///
/// An empty account (`https://@example.com`) is not the same as no account. As in git, slashes
/// around a path are ignored, and a path of slashes alone is no path.
///
/// # Examples
/// ```
/// use keyward_origin::{Location, from_parts};
///
/// let origin = from_parts("https", "example.com:443")?;
/// let location = Location::new(origin, Some("ann@work"), Some("team/repo.git"))?;
/// assert_eq!(location.to_string(), "https://ann%40work@example.com/team/repo.git");
/// assert_eq!(Location::parse(&location.to_string())?, location);
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    origin: Origin,
    account: Option<String>,
    path: Option<String>,
}

impl Location {
    /// Makes the location of these parts, none of them escaped.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the origin is not canonical, if a part
    /// contains a control character, if the path has a segment `.` or `..`, which a server would
    /// resolve, or if the text would be longer than [`MAX_URL`].
    pub fn new(origin: Origin, account: Option<&str>, path: Option<&str>) -> Result<Self> {
        if parse(&origin.to_string()).ok().as_ref() != Some(&origin) {
            return Err(refusal("the origin is not canonical"));
        }
        Self::from_canonical(origin, account, path)
    }

    /// Makes the location of these parts. The origin must be canonical.
    fn from_canonical(origin: Origin, account: Option<&str>, path: Option<&str>) -> Result<Self> {
        let path = path.map(|path| path.trim_matches('/')).filter(|path| !path.is_empty());
        for part in [account, path].into_iter().flatten() {
            if part.len() > MAX_URL {
                return Err(too_long());
            }
            if part.contains(char::is_control) {
                return Err(refusal("the account or the path contains a control character"));
            }
        }
        let is_dots = |segment| matches!(segment, "." | "..");
        if path.is_some_and(|path| path.split(['/', '?', '#']).any(is_dots)) {
            return Err(refusal("the path has a segment `.` or `..`"));
        }
        let location =
            Self { origin, account: account.map(str::to_owned), path: path.map(str::to_owned) };
        if location.to_string().len() > MAX_URL {
            return Err(too_long());
        }
        Ok(location)
    }

    /// Reads `scheme://[account@]host[:port][/path]`. Characters that need no escape may be
    /// escaped.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if it is anything else, contains a password, a
    /// query or a fragment, or if another program could read it differently; and the errors of
    /// [`new`](Self::new).
    pub fn parse(url: &str) -> Result<Self> {
        let url = Parts::split(url)?;
        if url.user_info.is_some_and(|user_info| user_info.contains(':')) {
            return Err(refusal("it must not contain a password")
                .hint("Leave out the colon and everything after it up to the `@`"));
        }
        if url.rest.contains(['?', '#']) {
            return Err(refusal("it must not contain a query or a fragment"));
        }
        if url.rest.to_ascii_lowercase().contains("%2f") {
            return Err(refusal(
                "it has an escaped slash in the path, which servers read in different ways",
            ));
        }
        let account = url.user_info.map(|account| decode(account, "")).transpose()?;
        let path = decode(url.rest, PATH)?;
        Self::from_canonical(from_parts(url.scheme, url.host)?, account.as_deref(), Some(&path))
    }

    /// Parses a text that must be canonical and have the same origin as `self`; returns `None` for
    /// any other. It is faster than [`parse`](Self::parse) for many texts, because it does not
    /// parse the same host again and again.
    ///
    /// # Examples
    /// ```
    /// use keyward_origin::Location;
    ///
    /// let site = Location::parse("https://example.com")?;
    /// let ann = site.sibling("https://ann@example.com/repo.git");
    /// assert_eq!(ann, Some(Location::parse("https://ann@example.com/repo.git")?));
    /// assert_eq!(site.sibling("https://ann@example.com:8443"), None);
    /// # Ok::<(), keyward_core::Error>(())
    /// ```
    pub fn sibling(&self, text: &str) -> Option<Self> {
        let origin = self.origin.to_string();
        let (scheme, host) = origin.split_once("://")?;
        let rest = text.strip_prefix(scheme)?.strip_prefix("://")?;
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, Some(path)),
            None => (rest, None),
        };
        let account = match authority.split_once('@') {
            Some((account, found)) if found == host => Some(decode(account, "").ok()?),
            None if authority == host => None,
            _ => return None,
        };
        let path = path.map(|path| decode(path, PATH)).transpose().ok()?;
        let location =
            Self::from_canonical(self.origin.clone(), account.as_deref(), path.as_deref()).ok()?;
        (location.to_string() == text).then_some(location)
    }

    /// The origin that the credential may be sent to.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The account, if it matters.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The path, if it matters; without slashes around it.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.origin.to_string();
        let (scheme, host) = origin.split_once("://").expect("an origin is written with `://`");
        write!(f, "{scheme}://")?;
        if let Some(account) = &self.account {
            percent::encode(f, account, "")?;
            f.write_str("@")?;
        }
        f.write_str(host)?;
        if let Some(path) = &self.path {
            f.write_str("/")?;
            percent::encode(f, path, PATH)?;
        }
        Ok(())
    }
}

/// Decodes a part. Every character that must be escaped has to be; `more` as for [`is_plain`].
pub(crate) fn decode(part: &str, more: &str) -> Result<String> {
    if part.chars().any(|c| c.is_ascii() && c != '%' && !is_plain(c, more)) {
        return Err(refusal("it has a character that must be percent-encoded"));
    }
    let decoded = percent::decode(part).and_then(|text| text.expose_str().map(str::to_owned));
    decoded.ok_or_else(|| refusal("the percent-encoding in it is not valid, or not of UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expect: &str) {
        let location = Location::parse(url).map(|location| location.to_string());
        assert_eq!(location.unwrap_or_default(), expect, "{url:?}");
    }

    #[test]
    fn a_location_has_one_text() {
        for (url, expect) in [
            ("https://example.com", "https://example.com"),
            ("https://example.com/", "https://example.com"),
            ("https://@example.com//", "https://@example.com"),
            ("HTTPS://ann@Example.com:443/Team/Repo.git/", "https://ann@example.com/Team/Repo.git"),
            ("ssh://git@[::0]:2222/~ann/c++", "ssh://git@[::]:2222/~ann/c++"),
            ("https://%61nn@x/%7eann/%5B%5d", "https://ann@x/~ann/%5B%5D"),
            ("https://jürgen@x/ü", "https://j%C3%BCrgen@x/%C3%BC"),
            ("https://a%3a%40%2fb@x/a:b@c%3f%23", "https://a%3A%40%2Fb@x/a:b@c%3F%23"),
            ("https://x/a//b", "https://x/a//b"),
        ] {
            check(url, expect);
            check(expect, expect);
        }
    }

    #[test]
    fn other_text_than_a_location_is_refused() {
        let with_more = "https://a:b@x https://a:@x https://:@x https://a@b@x https://x/?q https://x/#f \
            https://x?q";
        let with_dots =
            "https://x/.. https://x/a/../b https://x/%2e%2E/b https://x/./b https://x/..%3f";
        let misread = "https://x/a%2fb https://x/a%2Fb https://x/[a] https://a[b]@x https://x/<a> https://x/{a} \
            https://a|b@x https://a^b@x https://x/\"";
        let no_text = "https://x/% https://x/%zz https://x/%ff https://%ff@x https://%0a@x https://x/%00 \
            https://x/%c2%85";
        let blank = "https://x/\u{a0} https://\u{3000}@x";
        let elsewhere = "file:///etc/passwd /etc/passwd ann@example.com:repo.git";
        for urls in [with_more, with_dots, misread, no_text, blank, elsewhere] {
            urls.split(' ').for_each(|url| check(url, ""));
        }
    }

    #[test]
    fn the_error_names_the_part_that_is_not_allowed() {
        let message = |url| Location::parse(url).unwrap_err().message().to_owned();
        assert!(message("https://a:b@x").contains("password"));
        assert!(message("https://x/?a").contains("query"));
    }

    #[test]
    fn a_location_needs_a_canonical_origin() {
        let origin = |scheme: &str, host: &str, port| Origin {
            scheme: scheme.into(),
            host: host.into(),
            port,
        };
        assert!(Location::new(origin("https", "x", 1), None, None).is_ok());
        for origin in [
            origin("HTTPS", "x", 1),
            origin("https", "X", 1),
            origin("https", "x", 0),
            origin("https", "a@x", 1),
            origin("https", "x/y", 1),
            origin("https", "x:1", 443),
            origin("https", "", 1),
            origin("https", "x/", 443),
        ] {
            assert!(Location::new(origin.clone(), None, None).is_err(), "{origin:?}");
        }
    }

    #[test]
    fn a_location_that_is_too_long_is_refused() {
        let new = |path: &str| Location::new(parse("https://x").unwrap(), None, Some(path));
        let longest = "a".repeat(MAX_URL - "https://x/".len());
        let location = new(&longest).unwrap();
        assert_eq!(Location::parse(&location.to_string()).unwrap(), location);
        assert!(new(&format!("{longest}a")).is_err());
        assert!(new(&"ü".repeat(longest.len() / 2)).is_err());
    }
}
