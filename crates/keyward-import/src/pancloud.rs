//! The file in which pancloud keeps its profiles, `credentials.json`: a database of `TinyDB` with the
//! table `profiles`.
//!
//! # Examples
//! ```
//! use keyward_import::pancloud::parse;
//!
//! let found = parse(br#"{"profiles": {"1": {"profile": "lab", "client_id": "id", "refresh_token": "r"}}}"#)?;
//! assert_eq!(found[0].name, "pancloud-lab");
//! assert_eq!(found[0].record.as_ref().unwrap().kind, "oauth2");
//! # Ok::<(), keyward_core::Error>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use keyward_core::{Error, Field, Record, Result, Secret, printable};
use keyward_kinds::fields::{ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TOKEN};
use keyward_kinds::names;
use keyward_resolver::pancloud::entry_name;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::entries::Found;
use crate::files::read_own;

/// The largest file, in bytes.
pub const MAX_FILE: usize = 4 << 20;

/// The most profiles that are read.
const MAX_PROFILES: usize = 10_000;

/// Reads the file. Also returns whether other users can read it, as pancloud makes it.
///
/// # Errors
/// Those of [`parse`]; [`Refused`](keyward_core::ErrorKind::Refused) if the file belongs to another
/// user, or other users can write it; [`Invalid`](keyward_core::ErrorKind::Invalid) if there is none.
pub fn read(path: &Path) -> Result<(Vec<Found>, bool)> {
    let (content, is_readable) = read_own(path, MAX_FILE)?;
    Ok((parse(content.expose())?, is_readable))
}

/// Reads all profiles. What is wrong with one profile is its result. If several records have the
/// same profile, pancloud uses the first one; the others are refused unless they are the same.
///
/// # Errors
/// [`Corrupt`](keyward_core::ErrorKind::Corrupt) if it is not such a database. No value is quoted.
pub fn parse(file: &[u8]) -> Result<Vec<Found>> {
    let corrupt = || {
        Error::corrupt("import").because("the file is not a database of pancloud, or is damaged")
    };
    if file.len() > MAX_FILE {
        return Err(Error::corrupt("import").because("the file is too large"));
    }
    // The decoder's error quotes what it read, so it is dropped.
    let Database { profiles } = serde_json::from_slice(file).map_err(|_| corrupt())?;
    let profiles = profiles.ok_or_else(corrupt)?.0;
    let mut first = BTreeMap::new();
    let found = profiles.into_iter().filter_map(|(id, profile)| {
        let name = profile.0.get("profile").and_then(Secret::expose_str);
        let name = name.unwrap_or_default().to_owned();
        let label = match name.as_str() {
            "" => format!("record {id}"),
            name => format!("profile `{}`", printable(name)),
        };
        let mut record = profile.into_record();
        if let Ok(new) = &record {
            match first.get(&name) {
                Some(old) if old == new => return None,
                Some(_) => {
                    record = Err(Error::invalid(
                        "import",
                        "an earlier record has other values for the same profile",
                    ));
                }
                None => drop(first.insert(name.clone(), new.clone())),
            }
        }
        Some(Found { label, name: entry_name(&name), record })
    });
    Ok(found.collect())
}

/// The whole file; other tables are left out.
#[derive(serde::Deserialize)]
struct Database {
    profiles: Option<Table>,
}

/// The records of a table in the order of their numbers, which is that of their age.
struct Table(Vec<(u64, Row)>);

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;

        impl<'de> Visitor<'de> for Rows {
            type Value = Table;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table, A::Error> {
                let mut rows = BTreeMap::new();
                while let Some((id, row)) = map.next_entry::<String, Row>()? {
                    let id = id.parse().map_err(serde::de::Error::custom)?;
                    if rows.insert(id, row).is_some() || rows.len() > MAX_PROFILES {
                        return Err(serde::de::Error::custom("a repeated number, or too many"));
                    }
                }
                Ok(Table(rows.into_iter().collect()))
            }
        }

        deserializer.deserialize_map(Rows)
    }
}

/// A record: the values of its fields that are text and not empty.
struct Row(BTreeMap<String, Secret>);

impl Row {
    fn into_record(self) -> Result<Record> {
        let invalid = |why| Error::invalid("import", why);
        let Self(mut fields) = self;
        let mut take = |name: &str| fields.remove(name);
        let (id, secret) = (take(CLIENT_ID), take(CLIENT_SECRET));
        let (refresh, access) = (take(REFRESH_TOKEN), take(ACCESS_TOKEN));
        let mut record = match (&id, &secret, &refresh, &access) {
            (None, None, None, Some(access)) => {
                return Ok(Record::new(names::TOKEN).with(TOKEN, Field::secret(access.clone())));
            }
            (None, None, None, None) => return Err(invalid("it has no values")),
            (None, ..) => return Err(invalid("it has no `client_id`")),
            (Some(id), ..) => Record::new(names::OAUTH2).with(CLIENT_ID, Field::open(id.clone())),
        };
        let secrets = [(CLIENT_SECRET, secret), (REFRESH_TOKEN, refresh), (ACCESS_TOKEN, access)];
        for (name, value) in secrets {
            record.fields.extend(value.map(|value| (name.to_owned(), Field::secret(value))));
        }
        Ok(record)
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "profile" | CLIENT_ID | CLIENT_SECRET | REFRESH_TOKEN | ACCESS_TOKEN => {
                            let Text(value) = map.next_value()?;
                            let value = value.filter(|value| !value.is_empty());
                            if value.is_some_and(|value| fields.insert(name, value).is_some()) {
                                return Err(serde::de::Error::custom("a field is repeated"));
                            }
                        }
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Row(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// Text, or null.
struct Text(Option<Secret>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrNull;

        impl<'de> Visitor<'de> for TextOrNull {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Some(Secret::from(text))))
            }

            fn visit_none<E>(self) -> Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_some<D: Deserializer<'de>>(self, text: D) -> Result<Text, D::Error> {
                text.deserialize_str(self)
            }
        }

        deserializer.deserialize_option(TextOrNull)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(profiles: &str, expect: &[(&str, &str, &str)]) {
        let found = parse(format!(r#"{{"_default": {{}}, "profiles": {profiles}}}"#).as_bytes());
        let found = found.unwrap();
        let found = found.iter().map(|found| {
            let record = match &found.record {
                Ok(record) => record.kind.as_str(),
                Err(error) => error.message(),
            };
            (found.label.as_str(), found.name.as_str(), record)
        });
        assert_eq!(found.collect::<Vec<_>>(), expect, "{profiles}");
    }

    #[test]
    fn each_profile_is_one_entry() {
        check("{}", &[]);
        check(
            r#"{"10": {"profile": "b", "client_id": "i"}, "9": {"profile": "default", "access_token": "canary",
                "client_id": null, "client_secret": "", "refresh_token": null, "other": {"x": 1}}}"#,
            &[("profile `default`", "pancloud", "token"), ("profile `b`", "pancloud-b", "oauth2")],
        );
    }

    #[test]
    fn what_is_wrong_with_a_profile_is_said_of_it_alone() {
        check(
            r#"{"1": {"client_id": "i"}, "2": {"profile": "a"}, "3": {"profile": "b", "refresh_token": "canary"},
                "4": {"profile": "c", "client_id": "1"}, "5": {"profile": "c", "client_id": "2"},
                "6": {"profile": "c", "client_id": "1"}}"#,
            &[
                ("record 1", "pancloud", "oauth2"),
                ("profile `a`", "pancloud-a", "it has no values"),
                ("profile `b`", "pancloud-b", "it has no `client_id`"),
                ("profile `c`", "pancloud-c", "oauth2"),
                (
                    "profile `c`",
                    "pancloud-c",
                    "an earlier record has other values for the same profile",
                ),
            ],
        );
    }

    #[test]
    fn other_files_are_damaged_and_not_quoted() {
        for file in [
            "",
            "canary",
            "{}",
            "[]",
            r#"{"profiles": []}"#,
            r#"{"profiles": {"canary": {}}}"#,
            r#"{"profiles": {"1": "canary"}}"#,
            r#"{"profiles": {"1": {"client_id": 7}}}"#,
            r#"{"profiles": {"1": {"client_id": "canary", "client_id": "x"}}}"#,
            r#"{"profiles": {"1": {}, "01": {}}}"#,
            r#"{"profiles": {}} canary"#,
            r#"{"profiles": {}, "profiles": {}}"#,
            r#"{"profiles": {"1": {"client_id": "cana"#,
        ] {
            let error = parse(file.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), keyward_core::ErrorKind::Corrupt, "{file}");
            assert!(!format!("{error:?}{}", error.report()).contains("canary"), "{file}");
        }
        assert!(parse(&vec![b'['; 1 << 20]).is_err());
        assert!(parse(&vec![b' '; MAX_FILE + 1]).is_err());
    }
}
