use crate::{Secret, no_proxy};

/// What a backend needs to reach a service: which certificates TLS trusts, and which proxies to
/// use.
///
/// The host reads them, so that a backend has the same ones whether it is linked, loaded or run. A
/// backend does not read `SSL_CERT_FILE` and `https_proxy` itself: as a child process it does not
/// see them.
///
/// # Security
/// The URL of a proxy may contain a password, so it is a [`Secret`].
///
/// # Examples
/// ```
/// use keyward_core::{Network, Secret};
///
/// let mut network = Network::default();
/// network.https_proxy = Some(Secret::from("http://proxy:3128"));
/// network.no_proxy = "localhost, .example.com".into();
/// assert!(network.proxy("https", "example.org", 443).is_some());
/// assert!(network.proxy("https", "www.example.com", 443).is_none());
/// assert!(network.proxy("http", "example.org", 80).is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Network {
    /// The files of the certificates that TLS trusts, in PEM form. The paths are absolute.
    pub root_files: Vec<String>,
    /// The folders of such files. The paths are absolute.
    ///
    /// If there are neither files nor folders, the system has none where they usually are.
    pub root_folders: Vec<String>,
    /// The URL of the proxy for `https`.
    pub https_proxy: Option<Secret>,
    /// The URL of the proxy for `http`.
    pub http_proxy: Option<Secret>,
    /// The URL of the proxy for `https` and `http` if they have none, and for all other schemes.
    pub all_proxy: Option<Secret>,
    /// The hosts that are reached without a proxy, as in the variable `no_proxy`.
    pub no_proxy: String,
}

impl Network {
    /// Returns the URL of the proxy for a connection; `None` for a direct connection. `host` is a
    /// name or an address, and an IPv6 address may be in brackets.
    ///
    /// `no_proxy` has the meaning that it has for curl: a list with commas or spaces, in which `*`
    /// alone is every host, `example.com` and `.example.com` are that host and all hosts below it,
    /// and an address may be a network such as `10.0.0.0/8`. In addition, an entry may end with
    /// `:` and a port.
    pub fn proxy(&self, scheme: &str, host: &str, port: u16) -> Option<&Secret> {
        let own = match scheme {
            "https" => &self.https_proxy,
            "http" => &self.http_proxy,
            _ => &None,
        };
        let proxy = own.as_ref().or(self.all_proxy.as_ref())?;
        (!no_proxy::covers(&self.no_proxy, host, port)).then_some(proxy)
    }
}

/// Returns the URL of a proxy without its user-info, and thus without a password; `None` if it has
/// none.
#[doc(hidden)]
pub fn without_user_info(url: &Secret) -> Option<Secret> {
    let bytes = url.expose();
    let scheme = bytes.windows(3).position(|window| window == b"://").map_or(0, |place| place + 3);
    let rest = &bytes[scheme..];
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let at = rest[..end].iter().rposition(|byte| *byte == b'@')?;
    Some(Secret::new([&bytes[..scheme], &rest[at + 1..]].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> Network {
        Network {
            https_proxy: Some("http://s".into()),
            http_proxy: Some("http://p".into()),
            all_proxy: Some("http://a".into()),
            no_proxy: "direct".into(),
            ..Network::default()
        }
    }

    #[test]
    fn a_proxy_is_that_of_the_scheme_or_the_one_for_all() {
        let mut network = network();
        let proxy = |network: &Network, scheme: &str| {
            network.proxy(scheme, "x", 1).map(|url| url.expose_str().unwrap().to_owned())
        };
        assert_eq!(proxy(&network, "https").unwrap(), "http://s");
        assert_eq!(proxy(&network, "http").unwrap(), "http://p");
        assert_eq!(proxy(&network, "rediss").unwrap(), "http://a");
        (network.https_proxy, network.http_proxy) = (None, None);
        assert_eq!(proxy(&network, "https").unwrap(), "http://a");
        assert_eq!(proxy(&network, "http").unwrap(), "http://a");
        network.all_proxy = None;
        assert_eq!(proxy(&network, "https"), None);
    }

    #[test]
    fn a_host_in_no_proxy_has_no_proxy_at_all() {
        for scheme in ["https", "http", "rediss"] {
            assert_eq!(network().proxy(scheme, "direct", 1), None);
        }
    }

    #[test]
    fn debug_shows_no_url_of_a_proxy() {
        let shown = format!("{:?}", network());
        assert!(!shown.contains("http:"), "{shown}");
    }

    #[test]
    fn user_info_is_removed_and_nothing_else() {
        for (url, expected) in [
            ("http://ann:s3@cret@proxy:3128/", Some("http://proxy:3128/")),
            ("ann@proxy", Some("proxy")),
            ("http://@proxy", Some("http://proxy")),
            ("http://proxy:3128/a@b", None),
            ("http://proxy?a@b", None),
            ("proxy:3128", None),
            ("", None),
        ] {
            let found = without_user_info(&Secret::from(url));
            assert_eq!(found, expected.map(Secret::from), "{url}");
        }
    }
}
