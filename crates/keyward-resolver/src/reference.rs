use std::fmt;
use std::str::FromStr;

use keyward_config::{DEFAULT_STORE, StoreName};
use keyward_core::{Error, MAX_NAME, MAX_USER, Result, canonical};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What every reference begins with.
pub const SCHEME: &str = "keyward://";

/// The longest reference, in bytes: the longest user, name, store and field, each byte encoded.
const MAX: usize = 3 * (MAX_USER + MAX_NAME + StoreName::MAX + MAX_FIELD) + 32;

/// The longest name of a field, in bytes.
const MAX_FIELD: usize = 255;

/// The bytes that [`Reference`] writes as `%XX`: all but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Names one value of one credential: `keyward://STORE/NAME/FIELD?user=USER`.
///
/// - `STORE` is a store; `-` is the default store, and nothing is the resolver, which looks for the
///   name in all of its sources. A store that is called `-` is written `%2D`.
/// - `NAME` is the name of the entry; nothing is the entry without a name.
/// - `/FIELD` is a field of the record. Without it, the value is the one that the kind of the record
///   says is its main secret.
/// - `?user=USER` is the user whose entry it is; without it, the default user of the store.
///
/// Each part consists of letters, digits, `-`, `.`, `_`, `~` and `%XX` with upper-case digits for
/// every other byte of its UTF-8. So `.` and `..` are ordinary names, and nothing is normalized.
///
/// # Examples
/// ```
/// use keyward_resolver::{Place, Reference};
///
/// let reference: Reference = "keyward://work/mail%2Fann/username".parse()?;
/// assert_eq!(reference.name.as_deref(), Some("mail/ann"));
/// assert_eq!(reference.field.as_deref(), Some("username"));
/// assert_eq!(reference.to_string(), "keyward://work/mail%2Fann/username");
///
/// let reference: Reference = "keyward://-/".parse()?;
/// assert_eq!((reference.store, reference.name), (Place::DefaultStore, None));
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Where the entry is.
    pub store: Place,
    /// The name of the entry, if it has one.
    pub name: Option<String>,
    /// The field; `None` for the main secret.
    pub field: Option<String>,
    /// The user; `None` for the default user.
    pub user: Option<String>,
}

/// Where the entry of a [`Reference`] is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The first source of the resolver that has it.
    Resolver,
    /// The default store.
    DefaultStore,
    /// This store.
    Store(StoreName),
}

impl Reference {
    /// Makes the reference to the main secret of the credential of this name, which the resolver finds.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the name is not canonical.
    pub fn resolving(name: &str) -> Result<Self> {
        canonical("name", name, MAX_NAME)?;
        Ok(Self { store: Place::Resolver, name: Some(name.to_owned()), field: None, user: None })
    }

    /// Whether a text is meant to be a reference.
    pub fn is_meant_by(text: &str) -> bool {
        text.starts_with(SCHEME)
    }
}

impl FromStr for Reference {
    type Err = Error;

    /// Reads a reference.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid); the error does not contain the text, which may
    /// be a secret that was put in the wrong place.
    fn from_str(text: &str) -> Result<Self> {
        let rest =
            text.strip_prefix(SCHEME).ok_or_else(|| wrong("does not begin with keyward://"))?;
        if text.len() > MAX {
            return Err(wrong("is too long"));
        }
        let (path, user) = match rest.split_once('?') {
            Some((path, query)) => {
                let user = query.strip_prefix("user=");
                (
                    path,
                    Some(user.ok_or_else(|| wrong("has something other than `user=` after `?`"))?),
                )
            }
            None => (rest, None),
        };
        let mut parts = path.split('/');
        let store = parts.next().unwrap_or_default();
        let name = parts.next().ok_or_else(|| wrong("has no `/` after the store"))?;
        let field = parts.next();
        if parts.next().is_some() {
            return Err(wrong("has more than three parts"));
        }
        let store = match store {
            "" => Place::Resolver,
            DEFAULT_STORE => Place::DefaultStore,
            _ => Place::Store(StoreName::new(&decoded(store)?)?),
        };
        let name = match name {
            "" if store == Place::Resolver => return Err(wrong("has neither a store nor a name")),
            "" => None,
            _ => Some(canonical_part("name", name, MAX_NAME)?),
        };
        let field = field.map(|field| canonical_part("field", field, MAX_FIELD)).transpose()?;
        let user = user.map(|user| canonical_part("user", user, MAX_USER)).transpose()?;
        Ok(Self { store, name, field, user })
    }
}

/// The one spelling that Keyward writes.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        match &self.store {
            Place::Resolver => {}
            Place::DefaultStore => f.write_str(DEFAULT_STORE)?,
            Place::Store(name) if name.as_str() == DEFAULT_STORE => f.write_str("%2D")?,
            Place::Store(name) => write!(f, "{}", encoded(name.as_str()))?,
        }
        write!(f, "/{}", encoded(self.name.as_deref().unwrap_or_default()))?;
        if let Some(field) = &self.field {
            write!(f, "/{}", encoded(field))?;
        }
        if let Some(user) = &self.user {
            write!(f, "?user={}", encoded(user))?;
        }
        Ok(())
    }
}

fn encoded(part: &str) -> impl fmt::Display {
    utf8_percent_encode(part, ENCODED)
}

fn canonical_part(what: &str, part: &str, max: usize) -> Result<String> {
    let part = decoded(part)?;
    canonical(what, &part, max)?;
    Ok(part)
}

/// Decodes one part, of which each byte is an unreserved character or belongs to a `%XX`.
fn decoded(part: &str) -> Result<String> {
    let mut bytes = part.bytes();
    while let Some(byte) = bytes.next() {
        let is_valid = match byte {
            b'%' => [bytes.next(), bytes.next()]
                .into_iter()
                .all(|digit| matches!(digit, Some(b'0'..=b'9' | b'A'..=b'F'))),
            b'-' | b'.' | b'_' | b'~' => true,
            _ => byte.is_ascii_alphanumeric(),
        };
        if !is_valid {
            return Err(wrong(
                "has a character that must be written as %XX, with upper-case digits",
            ));
        }
    }
    let text = percent_decode_str(part).decode_utf8().map_err(|_| wrong("is not UTF-8"))?;
    Ok(text.into_owned())
}

fn wrong(why: &str) -> Error {
    Error::invalid("reference", format!("the reference {why}"))
        .hint("A reference is keyward://STORE/NAME, keyward://STORE/NAME/FIELD, or either with ?user=USER")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Reference {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error:?}"))
    }

    #[test]
    fn each_part_may_be_left_out() {
        for (text, place, name, field, user) in [
            ("keyward://-/", Place::DefaultStore, None, None, None),
            ("keyward://-/n/f?user=u", Place::DefaultStore, Some("n"), Some("f"), Some("u")),
            ("keyward:///n", Place::Resolver, Some("n"), None, None),
            ("keyward:///n/f", Place::Resolver, Some("n"), Some("f"), None),
            ("keyward://%2D//f", Place::Store(StoreName::new("-").unwrap()), None, Some("f"), None),
            (
                "keyward://../..",
                Place::Store(StoreName::new("..").unwrap()),
                Some(".."),
                None,
                None,
            ),
        ] {
            let reference = Reference {
                store: place,
                name: name.map(str::to_owned),
                field: field.map(str::to_owned),
                user: user.map(str::to_owned),
            };
            assert_eq!(parsed(text), reference, "{text}");
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        for text in [
            "",
            "keyward:",
            "keyward://",
            "keyward://s",
            "keyward:///",
            "keyward:////f",
            "Keyward://s/n",
            " keyward://s/n",
            "keyward://s/n ",
            "keyward://s/n/",
            "keyward://s/n/f/g",
            "keyward://s/n?",
            "keyward://s/n?user=",
            "keyward://s/n?name=x",
            "keyward://s/n?user=a&b",
            "keyward://s/n?user=a?",
            "keyward://s/n#f",
            "keyward://s/a b",
            "keyward://s/a+b/\u{e9}",
            "keyward://s/%2f",
            "keyward://s/%",
            "keyward://s/%2",
            "keyward://s/%G0",
            "keyward://s/%FF",
            "keyward://s/%0A",
            "keyward://s/e%CC%81",
            "keyward://ann@s/n",
            "keyward://s:1/n",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_error_shows_nothing_of_the_text() {
        let error = "hunter2".parse::<Reference>().unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    fn part(max: usize) -> impl Strategy<Value = String> {
        any::<String>().prop_filter("canonical", move |text| canonical("part", text, max).is_ok())
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            store in proptest::option::of(part(StoreName::MAX)),
            name in part(MAX_NAME),
            field in proptest::option::of(part(MAX_FIELD)),
            user in proptest::option::of(part(MAX_USER)),
        ) {
            let store = store.map_or(Place::Resolver, |name| Place::Store(StoreName::new(&name).unwrap()));
            let reference = Reference { store, name: Some(name), field, user };
            prop_assert_eq!(parsed(&reference.to_string()), reference);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(keyward://)?[-a-z/%0-9A-F?=.~é ]{0,40}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(parsed(&reference.to_string()), reference);
            }
        }
    }
}
