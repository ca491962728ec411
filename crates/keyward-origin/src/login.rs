use keyward_core::{Result, Secret};

use crate::location::decode;
use crate::percent;
use crate::syntax::{Parts, refusal};
use crate::{Location, from_parts};

/// The content of a URL that may have a password: git's attribute `url`, a line of
/// `.git-credentials`.
///
/// It is parsed as git parses it, which accepts more than [`Location::parse`] in two ways. A query
/// or fragment is part of the path. And the host is unescaped, because git's `credential-store`
/// writes `https://ann:pw@example.com%3a8080`. The unescaped host follows the same rules as any
/// other host.
///
/// # Examples
/// ```
/// use keyward_origin::Login;
///
/// let login = Login::parse("https://ann:s%40cret@example.com%3a8080/repo.git")?;
/// assert_eq!(login.location.to_string(), "https://ann@example.com:8080/repo.git");
/// assert_eq!(login.password.unwrap().expose(), b"s@cret");
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The server, with account and path.
    pub location: Location,
    /// The password; an empty one if there is a colon and nothing after it.
    pub password: Option<Secret>,
}

impl Login {
    /// Reads `scheme://[account[:password]@]host[:port][/path]`.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if it is anything else, contains a control
    /// character, escaped or not, or if another program could read it differently; and the errors
    /// of [`Location::new`].
    pub fn parse(url: &str) -> Result<Self> {
        let url = Parts::split(url)?;
        let (account, password) = match url.user_info.map(|info| info.split_once(':')) {
            None => (None, None),
            Some(None) => (url.user_info, None),
            Some(Some((account, password))) => (Some(account), Some(password)),
        };
        let account = account.map(|account| decode(account, "")).transpose()?;
        let password = password.map(decode_password).transpose()?;
        let origin = from_parts(url.scheme, &decode(url.host, "[:]")?)?;
        // The characters that git does not escape.
        let path = decode(url.rest, "/:@?#[]")?;
        Ok(Self { location: Location::new(origin, account.as_deref(), Some(&path))?, password })
    }
}

/// Decodes a password: any bytes but control characters, which a line-based protocol cannot carry.
fn decode_password(written: &str) -> Result<Secret> {
    if written.contains(['[', ']']) {
        return Err(refusal("a bracket in the password must be escaped"));
    }
    percent::decode(written)
        .filter(|password| !password.expose().iter().any(u8::is_ascii_control))
        .ok_or_else(|| {
            refusal("the percent-encoding in the password is not valid, or of a control character")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expect: &str, password: Option<&[u8]>) {
        let login = Login::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(login.location.to_string(), expect, "{url}");
        assert_eq!(login.password, password.map(Secret::from), "{url}");
    }

    #[test]
    fn a_login_is_read_as_git_reads_it() {
        check("https://x", "https://x", None);
        check("https://ann@x", "https://ann@x", None);
        check("https://ann:@x", "https://ann@x", Some(b""));
        check("https://:pw@x", "https://@x", Some(b"pw"));
        check("https://a:b:c@x", "https://a@x", Some(b"b:c"));
        check("https://a%3ab:c%40%ff@x", "https://a%3Ab@x", Some(b"c@\xff"));
        check("https://a:pässwort@x", "https://a@x", Some("pässwort".as_bytes()));
        check("https://a:b@x%3A8080/p", "https://a@x:8080/p", Some(b"b"));
        check("https://a:b@%5b%3a%3a1%5d%3a8080", "https://a@[::1]:8080", Some(b"b"));
        check("https://a:b@x/p?q=1#f[]", "https://a@x/p%3Fq=1%23f%5B%5D", Some(b"b"));
        check("https://x?q", "https://x/%3Fq", None);
        check("https://x/a%2fb/", "https://x/a/b", None);
    }

    #[test]
    fn urls_that_git_would_not_send_are_refused() {
        let controls = "https://a:b%0a@x https://a:b%00@x https://a:b%0d@x https://a%0ab:c@x \
            https://a:b@x%0ahost=y https://a:b@x/%0a https://a:b@x%00.y https://a:b@%00";
        let other_hosts = "https://a:b@evil.example%2fgood.example https://a:b@good.example%40evil.example \
            https://a:b@x%5c@y https://a:b@c@x https://a:b/c@x https://a:b#c@x https://a:b[c]@x";
        let unfinished = "https://a:b%@x https://a:b@x%25 https://a:b@ cert:///x";
        for urls in [controls, other_hosts, unfinished] {
            urls.split(' ').for_each(|url| assert!(Login::parse(url).is_err(), "{url}"));
        }
    }

    #[test]
    fn debug_and_errors_do_not_contain_the_password() {
        let login = Login::parse("https://ann:canary@x").unwrap();
        assert!(!format!("{login:?}").contains("canary"));
        let urls = "https://a:canary%@x https://a:canary@x:y https://a:canary/@x https://a:canary@ a:canary@x \
            https://a:canary%0a@x https://canary:canary@canary@x https://a:canary@x/.. https://a:canary\\@x";
        for url in urls.split(' ') {
            assert!(!format!("{:?}", Login::parse(url).unwrap_err()).contains("canary"), "{url}");
        }
    }
}
