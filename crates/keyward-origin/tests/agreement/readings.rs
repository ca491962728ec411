//! How other parsers read a URL, compared with Keyward.

use std::net::Ipv6Addr;

use keyward_core::Origin;
use keyward_origin::{Location, Login, Target, parse};
use url::{Host, Url};

/// Compares everything that is accepted of `text` with the other readings, and with its own
/// canonical text; returns what was accepted.
///
/// # Panics
/// If a parser reads another origin.
pub(crate) fn check(text: &str) -> Vec<Origin> {
    let origin = parse(text).ok();
    if let Some(origin) = &origin {
        agree(text, origin);
        let written = origin.to_string();
        assert_eq!(parse(&written).ok().as_ref(), Some(origin), "{text:?}");
        agree(&written, origin);
    }
    let location = Location::parse(text).ok();
    if let Some(location) = &location {
        agree(text, location.origin());
        is_written_canonically(location);
    }
    let login = Login::parse(text).ok().map(|login| login.location);
    if let Some(location) = &login {
        // Only git unescapes a port together with the host.
        if !authority(text).is_some_and(|authority| host(authority).contains('%')) {
            agree(text, location.origin());
        }
        is_written_canonically(location);
    }
    match Target::parse(text) {
        Ok(target) if target.origin().scheme == "file" => is_file_of_this_machine(text, &target),
        Ok(target) => {
            agree(text, target.origin());
            is_sent_as_it_is(&target);
        }
        Err(_) => {}
    }
    if let (Some(location), Some(login)) = (&location, &login) {
        assert_eq!(location, login, "{text:?}");
    }
    let of = |location: Location| location.origin().clone();
    [origin, location.map(of), login.map(of)].into_iter().flatten().collect()
}

fn is_file_of_this_machine(text: &str, target: &Target) {
    assert_eq!((target.origin().host.as_str(), target.account()), ("", None), "{text:?}");
    assert!(matches!(authority(text), Some("" | "localhost")), "{text:?}");
    let url = Url::parse(text).expect("a URL of a file");
    assert_eq!(url.host(), None, "the `url` crate, {text:?}");
}

/// Compares a target with what an HTTP client, which uses the crate `http`, sends of it.
fn is_sent_as_it_is(target: &Target) {
    let written = target.to_string();
    agree(&written, target.origin());
    // A client refuses what `http` does not take.
    let Ok(uri) = written.parse::<http::Uri>() else { return };
    let scheme = uri.scheme_str().unwrap_or_default().to_owned();
    let port = uri.port_u16().or_else(|| Origin::default_port(&scheme));
    let host = uri.host().unwrap_or_default().to_owned();
    let read = Origin { scheme, host, port: port.unwrap_or_default() };
    assert_eq!(&read, target.origin(), "the crate `http`, {written:?}");
    assert_eq!(uri.path(), target.path(), "the crate `http`, {written:?}");
    assert_eq!(uri.query(), target.query(), "the crate `http`, {written:?}");
}

fn is_written_canonically(location: &Location) {
    let written = location.to_string();
    assert!(written.is_ascii(), "{written:?}");
    assert_eq!(Location::parse(&written).ok().as_ref(), Some(location), "{written:?}");
    agree(&written, location.origin());
}

fn agree(text: &str, origin: &Origin) {
    assert_eq!(whatwg(text).as_ref(), Some(origin), "the `url` crate, {text:?}");
    assert_eq!(rfc3986(text).as_ref(), Some(origin), "RFC 3986, {text:?}");
}

/// The origin that the `url` crate would connect to. The crate folds the host of some schemes only;
/// this function folds the others.
pub(crate) fn whatwg(text: &str) -> Option<Origin> {
    let url = Url::parse(text).ok()?;
    let host = Host::parse(url.host_str()?).ok()?.to_string();
    let port = url.port_or_known_default().or_else(|| Origin::default_port(url.scheme()))?;
    Some(Origin { scheme: url.scheme().into(), host, port })
}

/// The origin as RFC 3986, appendix B and section 3.2, reads it; the host in its ASCII form, as in
/// RFC 3987.
fn rfc3986(text: &str) -> Option<Origin> {
    let (scheme, _) = text.split_once([':', '/', '?', '#'])?;
    let scheme = scheme.to_lowercase();
    let authority = authority(text)?;
    let host = host(authority);
    let port = match authority[authority.rfind(host)? + host.len()..].strip_prefix(':') {
        Some(port) => port.parse().ok()?,
        None => Origin::default_port(&scheme)?,
    };
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => Host::<&str>::Ipv6(address.parse::<Ipv6Addr>().ok()?).to_string(),
        None if host.is_ascii() => host.to_lowercase(),
        None => Host::parse(host).ok()?.to_string(),
    };
    Some(Origin { scheme, host, port })
}

/// The text between `//` and the path.
fn authority(text: &str) -> Option<&str> {
    let rest = &text[text.find([':', '/', '?', '#'])?..];
    rest.strip_prefix("://")?.split(['/', '?', '#']).next()
}

/// The authority without user-info and port.
fn host(authority: &str) -> &str {
    let host = authority.rsplit('@').next().unwrap_or_default();
    let digits = host.trim_end_matches(|c: char| c.is_ascii_digit());
    digits.strip_suffix(':').unwrap_or(host)
}
