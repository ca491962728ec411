use std::borrow::Cow;

use crate::EntryId;

/// The greatest length of a piece that [`segments`] returns, in bytes.
pub const MAX_SEGMENT: usize = 200;

/// Encodes `text` as a file name in lower-case ASCII, which means the same on every file system.
///
/// Letters `a`–`z`, digits, `-`, `_` and inner dots are kept. Every other byte of the UTF-8 becomes
/// `%` and two lower-case hexadecimal digits. Capitals are encoded too, since some file systems
/// fold case. Empty text becomes a lone `%`. The encoding is injective: see [`unescape`].
///
/// # Examples
/// ```
/// assert_eq!(keyward_core::escape("Ann@x.org"), "%41nn%40x.org");
/// assert_eq!(keyward_core::unescape("%41nn%40x.org").as_deref(), Some("Ann@x.org"));
/// assert_eq!(keyward_core::escape(".."), "%2e%2e");
/// ```
pub fn escape(text: &str) -> String {
    if text.is_empty() {
        return "%".to_owned();
    }
    let last = text.len() - 1;
    let mut escaped = String::with_capacity(text.len() + 8);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => escaped.push(byte as char),
            b'.' if at != 0 && at != last => escaped.push('.'),
            _ => {
                let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
                escaped.extend(['%', digit(byte >> 4), digit(byte & 0xf)]);
            }
        }
    }
    escaped
}

/// Decodes what [`escape`] wrote. Returns `None` for anything else, also for another spelling of
/// the same text.
pub fn unescape(escaped: &str) -> Option<String> {
    if escaped == "%" {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(first);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (escape(&text) == escaped).then_some(text)
}

/// Cuts an escaped name into pieces of at most [`MAX_SEGMENT`] bytes, never inside an escape.
///
/// All pieces but the last end with a `+`, which an escaped name never contains. So a folder that
/// continues a name is never mistaken for one that ends it.
pub fn segments(escaped: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let mut rest = Some(escaped);
    std::iter::from_fn(move || {
        let left = rest.take()?;
        if left.len() <= MAX_SEGMENT {
            return Some(Cow::Borrowed(left));
        }
        let mut cut = MAX_SEGMENT - 1;
        while left.as_bytes()[cut - 1] == b'%' || left.as_bytes()[cut - 2] == b'%' {
            cut -= 1;
        }
        rest = Some(&left[cut..]);
        Some(Cow::Owned(format!("{}+", &left[..cut])))
    })
}

impl EntryId {
    /// Replaces `%user%` in `pattern` with the entry's user, escaped.
    ///
    /// For every user, the result is one path below the pattern's folders.
    pub fn expand(&self, pattern: &str) -> String {
        pattern.replace("%user%", &escape(self.user()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unescape_reads_only_what_escape_wrote() {
        for foreign in ["A", "%4", "%zz", "%61", ".a", "a.", "", "a/b", "%2E", "a+"] {
            assert_eq!(unescape(foreign), None, "{foreign}");
        }
    }

    proptest! {
        #[test]
        fn escaping_is_injective(text in ".{0,60}") {
            let escaped = escape(&text);
            prop_assert_eq!(unescape(&escaped), Some(text));
            prop_assert!(escaped.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'%')));
        }

        #[test]
        fn joined_segments_are_the_escaped_name(text in ".{0,400}") {
            let escaped = escape(&text);
            let segments: Vec<_> = segments(&escaped).collect();
            prop_assert!(segments.iter().all(|s| s.len() <= MAX_SEGMENT));
            let (last, folders) = segments.split_last().unwrap();
            let joined: String = folders.iter().map(|s| s.strip_suffix('+').unwrap()).collect();
            prop_assert_eq!(joined + last.as_ref(), escaped.as_str());
        }
    }
}
