use std::fmt;

use keyward_core::{Error, Result, Secret};
use serde::de::{Deserialize, Deserializer, Visitor};

use super::MAX_RECORD;

/// The content of a record of PyCred's serializer `json`.
///
/// PyCred takes a password from the command line, where Python replaces each byte that is not UTF-8
/// with half of a surrogate pair. Here such a password is converted back to the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The username.
    pub username: String,
    /// The password.
    pub password: Secret,
}

impl Login {
    /// Reads an unencrypted record: a JSON array of a username and a password.
    ///
    /// # Errors
    /// [`Corrupt`](keyward_core::ErrorKind::Corrupt) if it is anything else.
    pub fn parse(record: &[u8]) -> Result<Self> {
        // The decoder's error quotes what it read, so it is dropped.
        let corrupt =
            || Error::corrupt("open").because("the record is not a username and a password");
        if record.len() > MAX_RECORD || std::str::from_utf8(record).is_err() {
            return Err(corrupt());
        }
        let (username, password): (Text, Text) =
            serde_json::from_slice(record).map_err(|_| corrupt())?;
        let username = username.0.expose_str().ok_or_else(corrupt)?.to_owned();
        Ok(Self { username, password: password.0 })
    }
}

/// A JSON string, converted to the bytes that it had on Python's command line.
struct Text(Secret);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // If bytes are requested, serde_json accepts lone surrogates; if text is requested, it
        // refuses them.
        deserializer.deserialize_bytes(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Text, E> {
        unescape(bytes)
            .map(Text)
            .ok_or_else(|| E::custom("a surrogate that does not encode a byte"))
    }
}

/// Turns U+DC80 to U+DCFF, which encode the bytes 80 to FF, back into these bytes.
///
/// Returns `None` for any other half of a surrogate pair.
fn unescape(text: &[u8]) -> Option<Secret> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        // Encoded like UTF-8, a surrogate is ED A0 80 to ED BF BF.
        match rest {
            [0xed, second @ (0xb2 | 0xb3), third, after @ ..] => {
                bytes.push(((second & 0x03) << 6) | (third & 0x3f));
                rest = after;
            }
            [0xed, 0xa0..=0xbf, ..] => return None,
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    Some(Secret::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(record: &str) -> Option<Vec<u8>> {
        Login::parse(record.as_bytes()).ok().map(|login| login.password.expose().to_vec())
    }

    #[test]
    fn every_kind_of_text_is_read() {
        for (written, bytes) in [
            (r#""""#, &b""[..]),
            (r#""p\u00e4ss \ud83d\udd11""#, "päss 🔑".as_bytes()),
            ("\"päss ퟿\"", "päss ퟿".as_bytes()),
            (r#""a\n\u0000\"\\""#, b"a\n\0\"\\"),
            (r#""\udcff\udc80a\udce9""#, b"\xff\x80a\xe9"),
        ] {
            let record = format!(r#"["ann", {written}]"#);
            assert_eq!(password(&record).as_deref(), Some(bytes), "{record}");
        }
    }

    #[test]
    fn everything_else_is_refused_and_not_quoted() {
        for record in [
            "",
            "[]",
            r#"["canary"]"#,
            r#"["canary", null]"#,
            r#"["canary", 1]"#,
            r#"["canary", "b", "c"]"#,
            r#"{"canary": "b"}"#,
            r#"["canary", "b"] x"#,
            r#"["canary", "\ud83d"]"#,
            r#"["canary", "\udc7f"]"#,
            r#"["canary\udcff", "b"]"#,
            r#"["canary", "b"#,
            r#"["canary", ["b"]]"#,
        ] {
            let error = Login::parse(record.as_bytes()).expect_err(record);
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
        assert!(Login::parse(b"[\"a\", \"\xff\"]").is_err());
        let long = format!(r#"["a", "{}"]"#, "x".repeat(MAX_RECORD));
        assert!(Login::parse(long.as_bytes()).is_err());
    }
}
