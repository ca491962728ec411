//! The cookies of a session (RFC 6265), in the state of an authenticator.

use std::io::Write;
use std::net::IpAddr;

use cookie::Cookie;
use keyward_origin::Target;
use keyward_plugin::{Header, ResponseHead, Secret, SecretWriter, State, Timestamp};

use crate::credential::joined;

/// What the names of values in the state begin with.
const PREFIX: &str = "cookie.";

/// The most cookies that are kept, and the longest one, in bytes.
const MAX_COOKIES: usize = 50;
const MAX_COOKIE: usize = 4096;

/// Keeps the cookies of a response from `from` that may be sent to `to`. One that has expired is
/// removed.
pub(crate) fn keep(
    answer: &ResponseHead,
    from: &Target,
    to: &Target,
    now: Timestamp,
    state: &mut State,
) {
    for line in answer.values("set-cookie").filter(|line| line.len() <= MAX_COOKIE) {
        let Ok(cookie) = Cookie::parse(line) else { continue };
        if !is_sendable(&cookie) || !may_go(&cookie, from, to) {
            continue;
        }
        let path = match cookie.path() {
            Some(path) if path.starts_with('/') => path,
            _ => default_path(from.path()),
        };
        let key = format!("{PREFIX}{path} {}", cookie.name());
        let expires = expires(&cookie, now);
        if expires.is_some_and(|expires| expires <= now.as_unix()) {
            state.remove(&key);
        } else if state.get(&key).is_some() || count(state) < MAX_COOKIES {
            let expires = expires.map(|expires| expires.to_string()).unwrap_or_default();
            let value = cookie.value().as_bytes();
            state.set(key, joined(&[expires.as_bytes(), b" ", value]));
        }
    }
}

/// Returns the header with the cookies for a target, if there are any.
pub(crate) fn header(target: &Target, now: Timestamp, state: &State) -> Option<Header> {
    let mut line = SecretWriter::new();
    for (path, name, value) in stored(state).filter_map(|(key, value)| parsed(key, value, now)) {
        if matches_path(target.path(), path) {
            let separator: &[u8] = if line.position() == 0 { b"" } else { b"; " };
            for part in [separator, name.as_bytes(), b"=", value] {
                line.write_all(part).expect("memory can be written");
            }
        }
    }
    (line.position() > 0).then(|| Header::new("Cookie", line.finish()))
}

/// Whether a cookie of this name is kept.
pub(crate) fn has(name: &str, state: &State) -> bool {
    stored(state).any(|(key, _)| key.rsplit_once(' ').is_some_and(|(_, known)| known == name))
}

/// Forgets all cookies.
pub(crate) fn forget(state: &mut State) {
    let keys: Vec<_> = stored(state).map(|(key, _)| format!("{PREFIX}{key}")).collect();
    for key in keys {
        state.remove(&key);
    }
}

fn stored(state: &State) -> impl Iterator<Item = (&str, &Secret)> {
    state.iter().filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?, value)))
}

fn count(state: &State) -> usize {
    stored(state).count()
}

/// Returns the path, the name and the value of a cookie that has not expired.
fn parsed<'a>(
    key: &'a str,
    value: &'a Secret,
    now: Timestamp,
) -> Option<(&'a str, &'a str, &'a [u8])> {
    let (path, name) = key.rsplit_once(' ')?;
    let blank = value.expose().iter().position(|byte| *byte == b' ')?;
    let (expires, value) = (&value.expose()[..blank], &value.expose()[blank + 1..]);
    let expires = std::str::from_utf8(expires).ok()?.parse::<u64>().ok();
    expires.is_none_or(|expires| expires > now.as_unix()).then_some((path, name, value))
}

fn is_sendable(cookie: &Cookie<'_>) -> bool {
    let is_part = |byte: u8| byte.is_ascii_graphic() && byte != b';';
    let is_value = |byte: u8| is_part(byte) || byte == b' ';
    !cookie.name().is_empty()
        && cookie.name().bytes().all(is_part)
        && cookie.value().bytes().all(is_value)
}

/// Whether a cookie that came from one server may be sent to another one.
fn may_go(cookie: &Cookie<'_>, from: &Target, to: &Target) -> bool {
    let (from, to) = (from.origin(), to.origin());
    if cookie.secure() == Some(true) && to.scheme != "https" && !to.is_loopback() {
        return false;
    }
    match cookie.domain().map(|domain| domain.trim_start_matches('.').to_ascii_lowercase()) {
        // A domain without a dot, such as `com`, contains the servers of strangers.
        Some(domain) if domain.contains('.') => {
            is_in(&from.host, &domain) && is_in(&to.host, &domain)
        }
        Some(domain) if !domain.is_empty() => domain == from.host && domain == to.host,
        _ => from.host == to.host,
    }
}

fn is_in(host: &str, domain: &str) -> bool {
    let is_below = host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    host == domain || (is_below && host.parse::<IpAddr>().is_err())
}

/// When a cookie expires, in seconds; `None` if it does so at the end of the session.
fn expires(cookie: &Cookie<'_>, now: Timestamp) -> Option<u64> {
    if let Some(age) = cookie.max_age() {
        let age = u64::try_from(age.whole_seconds()).unwrap_or(0);
        return Some(now.as_unix().saturating_add(age));
    }
    let expires = cookie.expires_datetime()?.unix_timestamp();
    Some(u64::try_from(expires).unwrap_or(0))
}

fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &path[..end],
    }
}

fn matches_path(path: &str, cookie: &str) -> bool {
    let rest = path.strip_prefix(cookie);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    /// Returns the header for `to` after `from` has sent these cookies.
    fn sent(cookies: &[&str], from: &str, to: &str) -> String {
        let (from, to) = (Target::parse(from).unwrap(), Target::parse(to).unwrap());
        let headers = cookies.iter().map(|line| Header::new("set-cookie", *line)).collect();
        let answer = ResponseHead { status: 200, headers, body_start: Secret::default() };
        let (mut state, now) = (State::default(), Timestamp::from_unix(NOW));
        keep(&answer, &from, &to, now, &mut state);
        let header = header(&to, now, &state);
        forget(&mut state);
        assert_eq!(state.iter().count(), 0);
        header.map_or(String::new(), |header| header.value.expose_str().unwrap().to_owned())
    }

    #[test]
    fn cookies_go_back_until_they_expire() {
        let one = |line: &str| sent(&[line], "https://x.example/a/login", "https://x.example/a/b");
        for (line, expected) in [
            ("s=1", "s=1"),
            ("s=1; HttpOnly; Secure; SameSite=Lax", "s=1"),
            ("s=\"q u\"", "s=\"q u\""),
            ("s=1; Max-Age=1", "s=1"),
            ("s=1; Max-Age=0", ""),
            ("s=1; Max-Age=-5", ""),
            ("s=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT", ""),
            ("s=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT", "s=1"),
            ("s=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT; Max-Age=0", ""),
            ("s=1; Path=/", "s=1"),
            ("s=1; Path=/a", "s=1"),
            ("s=1; Path=/a/b", "s=1"),
            ("s=1; Path=/a/bc", ""),
            ("s=1; Path=/c", ""),
            ("=1", ""),
            ("s=\u{1}", ""),
            ("s=a\tb", ""),
            ("", ""),
        ] {
            assert_eq!(one(line), expected, "{line}");
        }
        let url = "https://x.example/";
        assert_eq!(sent(&["b=1", "a=2", "b=3"], url, url), "a=2; b=3");
        assert_eq!(sent(&["b=1", "b=; Max-Age=0"], url, url), "");
    }

    #[test]
    fn cookies_go_to_no_other_server() {
        for (line, from, to, goes) in [
            ("s=1", "https://x.example/", "https://x.example:8443/", true),
            ("s=1", "https://x.example/", "https://y.example/", false),
            ("s=1", "https://x.example/", "https://a.x.example/", false),
            ("s=1; Domain=x.example", "https://a.x.example/", "https://b.x.example/", true),
            ("s=1; Domain=.x.example", "https://x.example/", "https://x.example/", true),
            ("s=1; Domain=y.example", "https://x.example/", "https://y.example/", false),
            ("s=1; Domain=example", "https://x.example/", "https://y.example/", false),
            ("s=1; Domain=x.example", "https://evilx.example/", "https://x.example/", false),
            ("s=1; Domain=0.0.1", "http://127.0.0.1/", "http://127.0.0.1/", false),
            ("s=1; Secure", "https://x.example/", "http://x.example/", false),
            ("s=1; Secure", "http://127.0.0.1/", "http://127.0.0.1/", true),
        ] {
            assert_eq!(!sent(&[line], from, to).is_empty(), goes, "{line} {from} {to}");
        }
    }

    #[test]
    fn a_hostile_server_cannot_fill_the_memory() {
        let long = format!("s={}", "x".repeat(5000));
        let many: Vec<_> = (0..1000).map(|number| format!("s{number}=1")).collect();
        let lines: Vec<_> = many.iter().map(String::as_str).chain([long.as_str()]).collect();
        let url = "https://x.example/";
        assert_eq!(sent(&lines, url, url).split("; ").count(), MAX_COOKIES);
    }
}
