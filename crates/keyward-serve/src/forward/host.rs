//! The host that a client asked for.

use std::net::Ipv6Addr;

/// Returns the host of the header `Host` in lower case, without its port. `None` if it is not the
/// name of a host, or could be read in several ways.
pub(super) fn parse(text: &str) -> Option<String> {
    if text.len() > 512 {
        return None;
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        return (port.is_empty() || is_port(port.strip_prefix(':')?))
            .then(|| format!("[{address}]"));
    }
    let (name, has_good_port) = match text.split_once(':') {
        Some((name, port)) => (name, is_port(port)),
        None => (text, true),
    };
    (has_good_port && is_name(name)).then(|| name.to_ascii_lowercase())
}

fn is_port(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u16>().is_ok()
}

/// Whether it consists of labels with dots between them, without one at the end.
pub(super) fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(is_word)
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_no_port_and_no_case() {
        for (text, host) in [
            ("Example.ORG", "example.org"),
            ("example.org:8080", "example.org"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[::1]:80", "[::1]"),
            ("[0:0::1]", "[::1]"),
        ] {
            assert_eq!(parse(text).as_deref(), Some(host), "{text}");
        }
        for text in [
            "",
            ".",
            "a..b",
            "example.org.",
            "a@b",
            "a/b",
            "a b",
            "a:b",
            "a:",
            "a:1:2",
            "a:99999",
            "a:+1",
            "[::1",
            "[::1]x",
            "[x]",
            "::1",
            "a\0b",
            "é.org",
            "a,b",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
