use std::fmt::{self, Write as _};
use std::io::Write as _;

use keyward_core::{Secret, SecretWriter};
use percent_encoding::{percent_decode_str, percent_encode_byte};

/// The characters besides letters and digits that need no escape anywhere: RFC 3986 calls them
/// unreserved and sub-delims.
const PLAIN: &str = "-._~!$&'()*+,;=";

/// Whether the character need not be escaped in user-info or a path; `more` are the additional ones
/// of that part.
pub(crate) fn is_plain(c: char, more: &str) -> bool {
    c.is_ascii_alphanumeric() || PLAIN.contains(c) || more.contains(c)
}

/// Writes `text`, with each byte that is not plain as `%` and two hexadecimal digits.
pub(crate) fn encode(f: &mut fmt::Formatter<'_>, text: &str, more: &str) -> fmt::Result {
    text.bytes().try_for_each(|byte| match char::from(byte) {
        c if is_plain(c, more) => f.write_char(c),
        _ => f.write_str(percent_encode_byte(byte)),
    })
}

/// Decodes `text`; `None` if a `%` in it is not followed by two hexadecimal digits.
pub(crate) fn decode(text: &str) -> Option<Secret> {
    let is_escape = |after: &str| matches!(after.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    // The library would leave a `%` that starts no escape as it is.
    if !text.split('%').skip(1).all(is_escape) {
        return None;
    }
    let mut decoded = SecretWriter::new();
    for byte in percent_decode_str(text) {
        decoded.write_all(&[byte]).ok()?;
    }
    Some(decoded.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_sign_needs_two_hexadecimal_digits() {
        for (text, bytes) in
            [("", ""), ("a", "a"), ("%41%2f", "A/"), ("%c3%BC", "ü"), ("a%25b", "a%b")]
        {
            assert_eq!(decode(text).unwrap().expose(), bytes.as_bytes(), "{text}");
        }
        for text in ["%", "a%", "%4", "%4g", "%+1", "%-1", "% 1", "%%41", "%é1", "%1é", "%u0041"]
        {
            assert!(decode(text).is_none(), "{text}");
        }
    }
}
