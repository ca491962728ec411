use std::fmt::{self, Write as _};
use std::io::Write as _;

use keyward_core::{Secret, SecretWriter};

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
        _ => write!(f, "%{byte:02X}"),
    })
}

/// Decodes `text`; `None` if a `%` in it is not followed by two hexadecimal digits.
pub(crate) fn decode(text: &str) -> Option<Secret> {
    let mut bytes = SecretWriter::new();
    let mut pieces = text.split('%');
    bytes.write_all(pieces.next()?.as_bytes()).ok()?;
    for piece in pieces {
        let (digits, plain) = piece.split_at_checked(2)?;
        // `from_str_radix` would accept a sign.
        let is_byte = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        bytes.write_all(&[u8::from_str_radix(digits, 16).ok().filter(|_| is_byte)?]).ok()?;
        bytes.write_all(plain.as_bytes()).ok()?;
    }
    Some(bytes.finish())
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
