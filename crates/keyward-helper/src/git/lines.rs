//! The lines of the protocol, and which characters they may contain.

use keyward_core::{Error, Result};

/// The longest line, in bytes, its end included: gitcredentials(7).
pub const MAX_LINE: usize = 65_535;

/// The largest request, in bytes.
pub const MAX_REQUEST: usize = 1 << 20;

/// Returns the attributes of a request, each with the number of its line, up to the first empty
/// line or the end. Like git, it ignores what follows an empty line.
///
/// Only LF ends a line, so that a CR cannot smuggle in another line.
pub(super) fn attributes(bytes: &[u8]) -> Result<Vec<Attribute<'_>>> {
    if bytes.len() > MAX_REQUEST {
        return Err(invalid(format!("it is larger than {MAX_REQUEST} bytes")));
    }
    let lines = bytes.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty());
    lines.enumerate().map(|(before, line)| Attribute::parse(before + 1, line)).collect()
}

/// One line.
#[derive(Clone, Copy)]
pub(super) struct Attribute<'a> {
    number: usize,
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
}

impl<'a> Attribute<'a> {
    fn parse(number: usize, line: &'a [u8]) -> Result<Self> {
        let wrong = |what: &str| Err(invalid(format!("line {number} {what}")));
        if line.len() >= MAX_LINE {
            return wrong("is too long");
        }
        if !is_one_line(line) {
            return wrong("holds a control character");
        }
        match line.iter().position(|&byte| byte == b'=') {
            None => wrong("has no `=`"),
            Some(0) => wrong("has no key"),
            Some(at) => Ok(Self { number, key: &line[..at], value: &line[at + 1..] }),
        }
    }

    /// Returns the value as text without any control character.
    pub(super) fn text(self) -> Result<&'a str> {
        let text = std::str::from_utf8(self.value).map_err(|_| self.wrong("is not UTF-8"))?;
        if text.contains('\t') {
            return Err(self.wrong("holds a control character"));
        }
        Ok(text)
    }

    /// Returns the value as git's configuration reads a boolean.
    pub(super) fn boolean(self) -> Result<bool> {
        let text = self.text()?;
        let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        if is(&["true", "yes", "on"]) {
            return Ok(true);
        }
        if is(&["false", "no", "off", ""]) {
            return Ok(false);
        }
        let number: i64 = text.parse().map_err(|_| self.wrong("is not a boolean"))?;
        Ok(number != 0)
    }

    /// Returns the error for an attribute that is not valid. The error does not contain its value.
    pub(super) fn wrong(self, what: &str) -> Error {
        invalid(format!("line {} {what}", self.number))
    }
}

/// Whether every reader takes this for a single line.
///
/// Some readers end a line at any of CR, VT, FF, NEL, U+2028 and U+2029, and terminals act on the
/// other control characters. A tab is harmless; it occurs in HTTP headers and perhaps in passwords.
pub(super) fn is_one_line(bytes: &[u8]) -> bool {
    let breaks = |c: char| (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}');
    bytes.utf8_chunks().all(|chunk| !chunk.valid().contains(breaks))
}

fn invalid(message: String) -> Error {
    Error::invalid("read the request", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Option<&[(&str, &str)]>) {
        let read = attributes(bytes).ok().map(|list| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            list.iter().map(|line| (text(line.key), text(line.value))).collect::<Vec<_>>()
        });
        let expected = expected.map(|pairs| {
            pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
        });
        assert_eq!(read, expected, "{}", bytes.escape_ascii());
    }

    #[test]
    fn a_request_ends_at_an_empty_line_or_at_its_end() {
        check(b"", Some(&[]));
        check(b"\na=1\n", Some(&[]));
        check(b"a=1", Some(&[("a", "1")]));
        check(b"a=1\nb==2=\n\nc", Some(&[("a", "1"), ("b", "=2=")]));
    }

    #[test]
    fn a_line_is_a_key_and_a_value() {
        check(b"a=\n", Some(&[("a", "")]));
        check(b"a\n", None);
        check(b"=1\n", None);
    }

    #[test]
    fn no_value_contains_a_line_end() {
        for end in ["\r", "\0", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}", "\u{1b}"] {
            check(format!("a=1{end}b=2\n").as_bytes(), None);
            check(format!("a=1{end}\n").as_bytes(), None);
        }
        check(b"a=1\tb\n", Some(&[("a", "1\tb")]));
        check(b"a=\xff\x85\n", Some(&[("a", "\u{fffd}\u{fffd}")]));
        check(b"a=\xff\r\n", None);
    }

    #[test]
    fn lines_and_requests_have_limits() {
        let line = |value: usize| [b"a=".as_slice(), &vec![b'x'; value], b"\n"].concat();
        assert!(attributes(&line(MAX_LINE - 3)).is_ok());
        assert!(attributes(&line(MAX_LINE - 2)).is_err());
        assert!(attributes(&line(60_000).repeat(17)).is_ok());
        assert!(attributes(&line(60_000).repeat(18)).is_err());
    }

    #[test]
    fn booleans_are_spelled_as_git_spells_them() {
        let read = |text: &str| {
            let line = format!("a={text}");
            attributes(line.as_bytes()).unwrap()[0].boolean().ok()
        };
        for text in ["true", "Yes", "ON", "1", "-1", "42"] {
            assert_eq!(read(text), Some(true), "{text}");
        }
        for text in ["false", "No", "OFF", "0", ""] {
            assert_eq!(read(text), Some(false), "{text}");
        }
        assert_eq!(read("perhaps"), None);
    }

    #[test]
    fn an_error_never_quotes_what_it_read() {
        for bytes in [&b"password=canary\r\n"[..], b"canary\n", b"a=1\n=canary\n"] {
            let error = attributes(bytes).err().unwrap();
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }
}
