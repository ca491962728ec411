//! A login that exists already, in the JSON that pancloud's `credentials_generate` and `summit.py`
//! take.

use std::fmt;
use std::path::Path;

use keyward_core::{Error, Result, Secret, printable};
use keyward_kinds::fields;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

/// The keys, and the field of the record that each becomes.
const KEYS: [(&str, &str); 8] = [
    ("client_id", fields::CLIENT_ID),
    ("client_secret", fields::CLIENT_SECRET),
    ("refresh_token", fields::REFRESH_TOKEN),
    ("access_token", fields::ACCESS_TOKEN),
    ("developer_token", fields::DEVELOPER_TOKEN),
    ("developer_token_url", fields::DEVELOPER_TOKEN_URL),
    ("developer_token_provider", fields::DEVELOPER_TOKEN_URL),
    ("scope", fields::SCOPE),
];

/// The values of a login. Those that are empty or `null` are left out.
#[derive(Default)]
pub(super) struct Initial {
    /// By the name of the field.
    pub(super) values: Vec<(&'static str, Secret)>,
    /// What pancloud calls the login.
    pub(super) profile: Option<String>,
}

impl Initial {
    /// Reads one object; `path` is for messages.
    ///
    /// # Errors
    /// `Invalid`, without any of the values.
    pub(super) fn parse(text: &Secret, path: &Path) -> Result<Self> {
        let wrong = |why: String| {
            let path = path.display().to_string();
            let known: Vec<_> = KEYS.iter().map(|(key, _)| *key).collect();
            Error::invalid("usage", format!("{}: {why}", printable(&path)))
                .hint(format!("Write an object with some of: {}, profile", known.join(", ")))
        };
        let Object(pairs) = serde_json::from_slice(text.expose()).map_err(|error| {
            // What serde says about a value may quote it.
            let (line, column) = (error.line(), error.column());
            wrong(format!("line {line}, column {column}: this is not an object of texts"))
        })?;
        let mut initial = Self::default();
        for (key, value) in pairs {
            let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
            if key == "profile" {
                initial.profile = value.expose_str().map(str::to_owned);
                continue;
            }
            let Some((_, field)) = KEYS.iter().find(|(known, _)| *known == key) else {
                return Err(wrong(format!("the key `{}` is not known", printable(&key))));
            };
            if initial.values.iter().any(|(known, _)| known == field) {
                return Err(wrong(format!("`{field}` is there twice")));
            }
            initial.values.push((field, value));
        }
        Ok(initial)
    }
}

/// The pairs of an object, whose values are texts or `null`.
struct Object(Vec<(String, Option<Secret>)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs)
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut pairs: Vec<(String, Option<Secret>)> = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Option<String>>()? {
            if pairs.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom("a repeated key"));
            }
            pairs.push((key, value.map(Secret::from)));
        }
        Ok(Object(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Initial> {
        Initial::parse(&text.into(), Path::new("cred-init.json"))
    }

    #[test]
    fn the_keys_of_pancloud_are_fields() {
        let text = r#"{"client_id":"id","client_secret":"cs","refresh_token":"rt","profile":"lab",
                       "access_token":null,"developer_token":""}"#;
        let initial = parse(text).unwrap();
        let values: Vec<_> = initial
            .values
            .iter()
            .map(|(name, value)| (*name, value.expose_str().unwrap()))
            .collect();
        assert_eq!(values, [("client_id", "id"), ("client_secret", "cs"), ("refresh_token", "rt")]);
        assert_eq!(initial.profile.as_deref(), Some("lab"));
    }

    #[test]
    fn a_wrong_object_is_an_error_that_quotes_no_value() {
        for (text, why) in [
            ("", "line 1, column 0: this is not an object of texts"),
            ("[]", "this is not an object of texts"),
            (r#"{"client_id": ["s3cret"]}"#, "this is not an object of texts"),
            (r#"{"client_id": "s3cret"#, "this is not an object of texts"),
            (r#"{"client_id": "a", "client_id": "s3cret"}"#, "this is not an object of texts"),
            (r#"{"regions": "s3cret"}"#, "the key `regions` is not known"),
            (
                r#"{"developer_token_url": "s3cret", "developer_token_provider": "b"}"#,
                "`developer_token_url` is there twice",
            ),
        ] {
            let Err(error) = parse(text) else { panic!("{text}") };
            let report = error.report().to_string();
            assert!(report.contains(why) && report.starts_with("cred-init.json"), "{report}");
            assert!(!report.contains("s3cret"), "{report}");
        }
    }
}
