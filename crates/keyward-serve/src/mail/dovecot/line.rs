//! The fields of a line: they are separated with TABs, and some characters in them are escaped.

use std::fmt::Write as _;

/// The longest line, in bytes, with its end.
pub const MAX_LINE: usize = 16 << 10;

const ESCAPE: char = '\u{1}';

/// Splits a line, without its end, into fields that are still escaped.
pub(super) fn split(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b'\t')
}

/// Returns the text of a field; `None` if it is not UTF-8, or ends within an escape.
pub fn unescape(field: &[u8]) -> Option<String> {
    let field = std::str::from_utf8(field).ok()?;
    let mut text = String::with_capacity(field.len());
    let mut rest = field.chars();
    while let Some(character) = rest.next() {
        text.push(match character {
            ESCAPE => match rest.next()? {
                '0' => '\0',
                '1' => ESCAPE,
                't' => '\t',
                'r' => '\r',
                'n' => '\n',
                other => other,
            },
            other => other,
        });
    }
    Some(text)
}

/// Writes a text as a field.
pub fn escape(text: &str) -> String {
    let mut field = String::with_capacity(text.len());
    for character in text.chars() {
        let escaped = match character {
            '\0' => '0',
            ESCAPE => '1',
            '\t' => 't',
            '\r' => 'r',
            '\n' => 'n',
            other => {
                field.push(other);
                continue;
            }
        };
        // Writing to a string cannot fail.
        let _ = write!(field, "{ESCAPE}{escaped}");
    }
    field
}

/// Reads a number of 32 bits, in decimal digits only.
pub(super) fn number(field: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(field).ok()?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_can_be_a_field() {
        for text in ["", "ann", "a\tb\nc\rd\0e\u{1}f", "\u{1}\u{1}t", "\u{e9}\u{1f600}"] {
            let field = escape(text);
            assert!(!field.contains(['\t', '\n', '\r', '\0']), "{field:?}");
            assert_eq!(unescape(field.as_bytes()).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_field_that_is_no_text_is_refused() {
        assert_eq!(unescape(b"ann\x01"), None);
        assert_eq!(unescape(b"\xff"), None);
        assert_eq!(unescape(b"\x01x\x01tann").as_deref(), Some("x\tann"));
    }

    #[test]
    fn a_number_has_only_digits() {
        assert_eq!(number(b"4294967295"), Some(u32::MAX));
        for text in ["", "+1", "-1", "4294967296", " 1", "1 ", "0x1"] {
            assert_eq!(number(text.as_bytes()), None, "{text:?}");
        }
    }
}
