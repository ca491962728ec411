//! The path of a target, read once and strictly.
//!
//! A web server, the server behind it and this one may read a path in different ways. A path that
//! could be read in two ways is refused, so that the rule that was found is the rule for what the
//! server behind will serve.

/// The longest target, in bytes.
const MAX: usize = 16 << 10;

/// Returns the path of a target in origin form (RFC 9112 section 3.2.1), decoded. `None` if it could
/// be read in several ways.
pub(super) fn parse(target: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"#\\\"<>^`{|}".contains(&byte);
    // In a query, these do no harm, and browsers send some of them.
    let is_query = |byte: u8| byte.is_ascii_graphic() && !b"#".contains(&byte);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let readable = target.len() <= MAX && path.bytes().all(is_plain) && query.bytes().all(is_query);
    if !readable || path.contains(';') {
        return None;
    }
    let segments = path.strip_prefix('/')?.split('/');
    let count = segments.clone().count();
    let mut decoded = String::with_capacity(path.len());
    for (index, segment) in segments.enumerate() {
        let segment = decode(segment)?;
        let is_last = index + 1 == count;
        if matches!(segment.as_str(), "." | "..") || (segment.is_empty() && !is_last) {
            return None;
        }
        decoded.push('/');
        decoded.push_str(&segment);
    }
    Some(decoded)
}

/// Decodes a segment. What has a meaning in a path may not be encoded in it.
fn decode(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
        let byte = u8::try_from(16 * high + low).ok()?;
        if byte.is_ascii_control() || b"./\\%;?#".contains(&byte) {
            return None;
        }
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok().filter(|text| !text.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_once_and_without_its_query() {
        for (target, path) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a/", "/a/"),
            ("/%61dmin/x", "/admin/x"),
            ("/caf%C3%A9", "/café"),
            ("/a?b=/../c;d=\\", "/a"),
            ("/a??", "/a"),
            ("/a.b/...", "/a.b/..."),
            ("/a%20b", "/a b"),
        ] {
            assert_eq!(parse(target).as_deref(), Some(path), "{target}");
        }
    }

    #[test]
    fn a_path_that_could_be_read_in_two_ways_is_refused() {
        for target in [
            "",
            "a",
            "*",
            "http://x/a",
            "//a",
            "/a//b",
            "/a//",
            "/./a",
            "/a/..",
            "/a/../b",
            "/a/.",
            "/%2e/a",
            "/%2E%2e/a",
            "/.%2e/a",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a;b",
            "/a%3bb",
            "/a%00",
            "/a%0a",
            "/a%7f",
            "/a%ff",
            "/a%c2%85",
            "/a%",
            "/a%4",
            "/a%zz",
            "/a%+1",
            "/a%252e",
            "/a#b",
            "/a#?b",
            "/a?b#c",
            "/a%23",
            "/a%3f",
            "/a b",
            "/a\tb",
            "/a\0",
            "/caf\u{e9}",
            "/a\u{7f}",
        ] {
            assert_eq!(parse(target), None, "{target:?}");
        }
        assert_eq!(parse(&format!("/{}", "x".repeat(MAX))), None);
    }
}
