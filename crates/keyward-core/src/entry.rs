use std::fmt;

use unicode_normalization::is_nfc;

use crate::{Error, Result, printable};

/// The greatest length of a user, in bytes of UTF-8.
pub const MAX_USER: usize = 255;

/// The greatest length of an entry name, in bytes of UTF-8.
pub const MAX_NAME: usize = 1024;

/// Identifies a record: a user, and the name of one of that user's entries in a store.
///
/// An entry without a name is the single credential per user that most stores hold. Both parts are
/// canonical: Unicode NFC, without control characters, a user of 1 to [`MAX_USER`] bytes and a name
/// of 1 to [`MAX_NAME`] bytes. So two ids are the same entry exactly if they are equal byte for
/// byte. A part that is not canonical is refused and not changed, since the changed name could be
/// the name of another entry.
///
/// # Examples
/// ```
/// use keyward_core::EntryId;
///
/// let id = EntryId::new("alice", Some("https://example.com"))?;
/// assert_eq!((id.user(), id.name()), ("alice", Some("https://example.com")));
/// assert!(EntryId::new("", None).is_err());
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    user: String,
    /// Empty for the entry without a name.
    name: String,
}

impl EntryId {
    /// Makes the id of the entry of `user` called `name`, or of the one without a name.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if either part is not canonical.
    pub fn new(user: &str, name: Option<&str>) -> Result<Self> {
        canonical("user", user, MAX_USER)?;
        if let Some(name) = name {
            canonical("name", name, MAX_NAME)?;
        }
        Ok(Self { user: user.to_owned(), name: name.unwrap_or_default().to_owned() })
    }

    /// Makes the id of an entry that the store keeps for itself, such as its keyset. Its user is
    /// empty, so a user cannot name it.
    pub fn reserved(name: &'static str) -> Self {
        Self { user: String::new(), name: name.to_owned() }
    }

    /// Makes the id that a storage wrote earlier, also a reserved one.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if an entry cannot have these parts.
    pub fn restore(user: &str, name: &str) -> Result<Self> {
        if !user.is_empty() {
            canonical("user", user, MAX_USER)?;
        }
        if !name.is_empty() {
            canonical("name", name, MAX_NAME)?;
        }
        Ok(Self { user: user.to_owned(), name: name.to_owned() })
    }

    /// The user that the entry belongs to; empty for reserved entries.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The entry's name, if it has one.
    pub fn name(&self) -> Option<&str> {
        (!self.name.is_empty()).then_some(self.name.as_str())
    }

    /// The name, or empty text: what a storage writes beside the user.
    pub fn name_or_empty(&self) -> &str {
        &self.name
    }

    /// Whether the store keeps this entry for itself.
    pub fn is_reserved(&self) -> bool {
        self.user.is_empty()
    }

    /// Encodes user and name as unambiguous bytes. An envelope is bound to them.
    ///
    /// Each part is preceded by its length as a big-endian `u16`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 + self.user.len() + self.name.len());
        for part in [&self.user, &self.name] {
            bytes.extend_from_slice(&(part.len() as u16).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }

    /// Decodes an id, also a reserved one, that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if `to_bytes` cannot have written these bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let read = || {
            let (user, rest) = part(bytes)?;
            let (name, rest) = part(rest)?;
            rest.is_empty().then_some((user, name))
        };
        let (user, name) =
            read().ok_or_else(|| Error::invalid("name", "these bytes are not an entry"))?;
        Self::restore(user, name)
    }
}

/// Reads a text with its length before it. Returns the text and the rest.
fn part(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

/// Control characters are escaped, because a name may come from an untrusted source.
impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", printable(&self.user))?;
        if !self.name.is_empty() {
            write!(f, "/{}", printable(&self.name))?;
        }
        Ok(())
    }
}

/// Checks that `text` is a canonical name: 1 to `max` bytes, Unicode NFC, no control characters.
///
/// Stores, users and entries all follow this rule; `what` names the kind of name in the error.
///
/// # Errors
/// [`Invalid`](crate::ErrorKind::Invalid), with the rule that is broken.
pub fn canonical(what: &str, text: &str, max: usize) -> Result<()> {
    let broken = if text.is_empty() {
        "is empty".to_owned()
    } else if text.len() > max {
        format!("is longer than {max} bytes")
    } else if text.chars().any(char::is_control) {
        "holds a control character".to_owned()
    } else if !text.is_ascii() && !is_nfc(text) {
        "is not in Unicode normalization form C".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::invalid("name", format!("the {what} {broken}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_normalized_are_refused() {
        assert!(EntryId::new("\u{e9}", None).is_ok());
        assert!(EntryId::new("e\u{301}", None).is_err());
        assert!(EntryId::new("\u{212a}", None).is_err());
    }

    #[test]
    fn limits_are_in_bytes() {
        assert!(EntryId::new(&"k".repeat(255), Some(&"n".repeat(1024))).is_ok());
        assert!(EntryId::new(&"k".repeat(256), None).is_err());
        assert!(EntryId::new("k", Some(&"n".repeat(1025))).is_err());
        assert!(EntryId::new("k", Some("")).is_err());
    }

    #[test]
    fn control_characters_are_refused() {
        for text in ["a\nb", "a\rb", "\0", "a\u{85}b", "\u{9b}1m", "\u{7f}"] {
            assert!(EntryId::new(text, None).is_err(), "{text:?}");
        }
    }

    #[test]
    fn bytes_distinguish_user_and_name() {
        let a = EntryId::new("ab", Some("c")).unwrap();
        let b = EntryId::new("a", Some("bc")).unwrap();
        assert_ne!(a.to_bytes(), b.to_bytes());
    }

    #[test]
    fn bytes_decode_to_the_same_entry() {
        for id in [
            EntryId::new("ann", None).unwrap(),
            EntryId::new("\u{e9}", Some("https://example.com")).unwrap(),
            EntryId::reserved("keyset"),
        ] {
            let bytes = id.to_bytes();
            assert_eq!(EntryId::from_bytes(&bytes).unwrap(), id);
            for length in 0..bytes.len() {
                assert!(EntryId::from_bytes(&bytes[..length]).is_err());
            }
            assert!(EntryId::from_bytes(&[&bytes[..], b"x"].concat()).is_err());
        }
        assert!(EntryId::from_bytes(b"\0\x01\n\0\0").is_err());
        assert!(EntryId::from_bytes(b"\0\x01\xff\0\0").is_err());
    }
}
