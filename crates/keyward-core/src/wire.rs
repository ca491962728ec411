//! The form of a record that serde formats write.
//!
//! The outermost type is the version, an externally tagged enum, so that formats that do not
//! describe themselves can read it too. The structs in it never change: one more field would make
//! every existing blob of such a format unreadable. A new field of a record needs a new version.
//! A record is written in the first version that has all that is set in it, so that older programs
//! can read it, and so that it has only one encoding.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use base64::engine::general_purpose::STANDARD;
use base64::{Engine as _, decoded_len_estimate};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    Derivation, EntryId, Error, Field, Form, MAX_ITEMS, Origin, Record, Result, Revision, Secret,
    Timestamp,
};

/// A record with the version of its encoding.
///
/// # Examples
/// ```
/// use keyward_core::{Field, Record, wire::Wire};
///
/// let record = Record::new("token").with("token", Field::secret("t"));
/// let json = serde_json::to_string(&Wire::from(&record))?;
/// let wire: Wire = serde_json::from_str(&json)?;
/// assert_eq!(Record::try_from(wire)?, record);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Serialize, Deserialize)]
pub enum Wire<'a> {
    /// The first version.
    V1(RecordV1<'a>),
    /// The version for records with the time of their last use.
    V2(RecordV2<'a>),
}

/// Version 1 of a record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordV1<'a> {
    kind: Cow<'a, str>,
    fields: Sorted<'a, Field>,
    origins: Limited<'a, Origin>,
    created: u64,
    updated: u64,
    expires: Option<u64>,
    labels: Sorted<'a, String>,
    derived_from: Option<DerivationV1>,
}

/// Version 2 of a record: version 1, and the time of the last use.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordV2<'a> {
    kind: Cow<'a, str>,
    fields: Sorted<'a, Field>,
    origins: Limited<'a, Origin>,
    created: u64,
    updated: u64,
    expires: Option<u64>,
    labels: Sorted<'a, String>,
    derived_from: Option<DerivationV1>,
    used: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldV1<'a> {
    secret: bool,
    expires: Option<u64>,
    value: ValueV1<'a>,
}

#[derive(Debug, Serialize, Deserialize)]
enum ValueV1<'a> {
    #[serde(rename = "text")]
    Text(Text<'a>),
    #[serde(rename = "bytes")]
    Bytes(Bytes<'a>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OriginV1<'a> {
    scheme: Cow<'a, str>,
    host: Cow<'a, str>,
    port: u16,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DerivationV1 {
    user: String,
    name: String,
    revision: Bytes<'static>,
}

impl<'a> From<&'a Record> for Wire<'a> {
    fn from(record: &'a Record) -> Self {
        let v1 = RecordV1 {
            kind: Cow::Borrowed(&record.kind),
            fields: Sorted(Cow::Borrowed(&record.fields)),
            origins: Limited(Cow::Borrowed(&record.origins)),
            created: record.created.as_unix(),
            updated: record.updated.as_unix(),
            expires: record.expires.map(Timestamp::as_unix),
            labels: Sorted(Cow::Borrowed(&record.labels)),
            derived_from: record.derived_from.as_ref().map(DerivationV1::from),
        };
        match record.used {
            None => Self::V1(v1),
            Some(used) => Self::V2(v1.with_used(used.as_unix())),
        }
    }
}

impl TryFrom<Wire<'_>> for Record {
    type Error = Error;

    fn try_from(wire: Wire<'_>) -> Result<Self> {
        let (v1, used) = match wire {
            Wire::V1(v1) => (v1, None),
            Wire::V2(v2) => v2.split(),
        };
        Ok(Self {
            kind: v1.kind.into_owned(),
            fields: v1.fields.0.into_owned(),
            origins: v1.origins.0.into_owned(),
            created: Timestamp::from_unix(v1.created),
            updated: Timestamp::from_unix(v1.updated),
            expires: v1.expires.map(Timestamp::from_unix),
            used: used.map(Timestamp::from_unix),
            labels: v1.labels.0.into_owned(),
            derived_from: v1.derived_from.map(Derivation::try_from).transpose()?,
        })
    }
}

impl<'a> RecordV1<'a> {
    fn with_used(self, used: u64) -> RecordV2<'a> {
        let Self { kind, fields, origins, created, updated, expires, labels, derived_from } = self;
        RecordV2 { kind, fields, origins, created, updated, expires, labels, derived_from, used }
    }
}

impl<'a> RecordV2<'a> {
    /// Returns the parts that version 1 has, and the time of the last use.
    fn split(self) -> (RecordV1<'a>, Option<u64>) {
        let Self { kind, fields, origins, created, updated, expires, labels, derived_from, used } =
            self;
        let v1 =
            RecordV1 { kind, fields, origins, created, updated, expires, labels, derived_from };
        (v1, Some(used))
    }
}

impl<'a> From<&'a Field> for FieldV1<'a> {
    fn from(field: &'a Field) -> Self {
        let value = match field.form {
            Form::Text => ValueV1::Text(Text(Cow::Borrowed(&field.value))),
            Form::Bytes => ValueV1::Bytes(Bytes(Cow::Borrowed(&field.value))),
        };
        Self { secret: field.secret, expires: field.expires.map(Timestamp::as_unix), value }
    }
}

impl From<FieldV1<'_>> for Field {
    fn from(v1: FieldV1<'_>) -> Self {
        let (form, value) = match v1.value {
            ValueV1::Text(Text(value)) => (Form::Text, value),
            ValueV1::Bytes(Bytes(value)) => (Form::Bytes, value),
        };
        Self {
            value: value.into_owned(),
            form,
            secret: v1.secret,
            expires: v1.expires.map(Timestamp::from_unix),
        }
    }
}

impl<'a> From<&'a Origin> for OriginV1<'a> {
    fn from(origin: &'a Origin) -> Self {
        Self {
            scheme: Cow::Borrowed(&origin.scheme),
            host: Cow::Borrowed(&origin.host),
            port: origin.port,
        }
    }
}

impl From<OriginV1<'_>> for Origin {
    fn from(v1: OriginV1<'_>) -> Self {
        Self { scheme: v1.scheme.into_owned(), host: v1.host.into_owned(), port: v1.port }
    }
}

impl From<&Derivation> for DerivationV1 {
    fn from(derivation: &Derivation) -> Self {
        Self {
            user: derivation.entry.user().to_owned(),
            name: derivation.entry.name_or_empty().to_owned(),
            revision: Bytes(Cow::Owned(derivation.revision.as_bytes().into())),
        }
    }
}

impl TryFrom<DerivationV1> for Derivation {
    type Error = Error;

    fn try_from(v1: DerivationV1) -> Result<Self> {
        let corrupt = |_| Error::corrupt("decode");
        Ok(Self {
            entry: EntryId::restore(&v1.user, &v1.name).map_err(corrupt)?,
            revision: Revision::new(v1.revision.0.expose()).map_err(corrupt)?,
        })
    }
}

/// A secret that is text: a string in every format.
#[derive(Debug)]
struct Text<'a>(Cow<'a, Secret>);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self
            .0
            .expose_str()
            .ok_or_else(|| serde::ser::Error::custom("text that is not UTF-8"))?;
        serializer.serialize_str(text)
    }
}

impl<'de> Deserialize<'de> for Text<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl Visitor<'_> for TextVisitor {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret::from(text))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Secret, E> {
                Ok(Secret::from(text))
            }
        }

        deserializer.deserialize_string(TextVisitor).map(|secret| Self(Cow::Owned(secret)))
    }
}

/// A secret that is bytes: base64 in formats that people read, bytes in all others.
#[derive(Debug)]
struct Bytes<'a>(Cow<'a, Secret>);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&Zeroizing::new(STANDARD.encode(self.0.expose())))
        } else {
            serializer.serialize_bytes(self.0.expose())
        }
    }
}

impl<'de> Deserialize<'de> for Bytes<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;

        impl Visitor<'_> for BytesVisitor {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Secret, E> {
                Ok(Secret::from(bytes))
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Secret, E> {
                Ok(Secret::new(bytes))
            }
        }

        if deserializer.is_human_readable() {
            let encoded = Text::deserialize(deserializer)?.0;
            let encoded = encoded.expose();
            // `Zeroizing`, because part of it is decoded before a byte that is not base64 is found.
            let mut bytes = Zeroizing::new(vec![0; decoded_len_estimate(encoded.len())]);
            let length = STANDARD
                .decode_slice(encoded, &mut bytes)
                .map_err(|_| de::Error::custom("not base64"))?;
            bytes.truncate(length);
            Ok(Self(Cow::Owned(Secret::new(std::mem::take(&mut *bytes)))))
        } else {
            deserializer.deserialize_byte_buf(BytesVisitor).map(|secret| Self(Cow::Owned(secret)))
        }
    }
}

/// An element of a map or list, and how it is written.
trait Item: Clone {
    /// The type that serde writes from a borrowed element, and reads to make an element.
    type Wire<'a>: Serialize + Deserialize<'a> + From<&'a Self> + Into<Self>
    where
        Self: 'a;
}

impl Item for Field {
    type Wire<'a> = FieldV1<'a>;
}

impl Item for Origin {
    type Wire<'a> = OriginV1<'a>;
}

impl Item for String {
    type Wire<'a> = Cow<'a, str>;
}

/// A map that is written sorted, and read only if no key occurs twice and there are not too many.
#[derive(Debug)]
struct Sorted<'a, V: Clone>(Cow<'a, BTreeMap<String, V>>);

impl<V: Item> Serialize for Sorted<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        few_enough(self.0.len()).map_err(serde::ser::Error::custom)?;
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, V::Wire::from(value))))
    }
}

impl<'de, V: Item + 'de> Deserialize<'de> for Sorted<'_, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SortedVisitor<V>(PhantomData<V>);

        impl<'de, V: Item + 'de> Visitor<'de> for SortedVisitor<V> {
            type Value = BTreeMap<String, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut map = BTreeMap::new();
                while let Some((key, value)) = access.next_entry::<String, V::Wire<'de>>()? {
                    if map.insert(key, value.into()).is_some() {
                        return Err(de::Error::custom("a key that occurs twice"));
                    }
                    few_enough(map.len()).map_err(de::Error::custom)?;
                }
                Ok(map)
            }
        }

        let map = deserializer.deserialize_map(SortedVisitor(PhantomData))?;
        Ok(Self(Cow::Owned(map)))
    }
}

/// A list that is read only if it is not too long.
#[derive(Debug)]
struct Limited<'a, T: Clone>(Cow<'a, [T]>);

impl<T: Item> Serialize for Limited<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        few_enough(self.0.len()).map_err(serde::ser::Error::custom)?;
        serializer.collect_seq(self.0.iter().map(T::Wire::from))
    }
}

impl<'de, T: Item + 'de> Deserialize<'de> for Limited<'_, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LimitedVisitor<T>(PhantomData<T>);

        impl<'de, T: Item + 'de> Visitor<'de> for LimitedVisitor<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = access.next_element::<T::Wire<'de>>()? {
                    list.push(item.into());
                    few_enough(list.len()).map_err(de::Error::custom)?;
                }
                Ok(list)
            }
        }

        let list = deserializer.deserialize_seq(LimitedVisitor(PhantomData))?;
        Ok(Self(Cow::Owned(list)))
    }
}

fn few_enough(items: usize) -> Result<(), &'static str> {
    if items > MAX_ITEMS { Err("too many items") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Record {
        let mut record = Record::new("user-password")
            .with("username", Field::open("ann"))
            .with("password", Field::secret(vec![0xff, 0x00]));
        record.origins.push(Origin {
            scheme: "https".into(),
            host: "example.com".into(),
            port: 443,
        });
        record.labels.insert("team".into(), "red".into());
        record.expires = Some(Timestamp::from_unix(9));
        record.derived_from = Some(Derivation {
            entry: EntryId::new("ann", Some("refresh")).unwrap(),
            revision: Revision::from(7),
        });
        record
    }

    fn used() -> Record {
        Record { used: Some(Timestamp::from_unix(5)), ..full() }
    }

    #[test]
    fn json_shows_text_as_text_and_bytes_as_base64() {
        let json = serde_json::to_string(&Wire::from(&full())).unwrap();
        assert!(json.starts_with(r#"{"V1":{"kind":"user-password","fields":{"password":{"secret":true,"expires":null,"value":{"bytes":"/wA="}}"#), "{json}");
        let wire: Wire = serde_json::from_str(&json).unwrap();
        assert_eq!(Record::try_from(wire).unwrap(), full());
    }

    #[test]
    fn a_record_is_written_in_the_first_version_that_has_its_parts() {
        let json = |record| serde_json::to_string(&Wire::from(record)).unwrap();
        let [v1, v2] = [json(&full()), json(&used())];
        let written = v1.strip_suffix("}}").unwrap().replace("V1", "V2") + r#","used":5}}"#;
        assert_eq!(v2, written);
        let wire: Wire = serde_json::from_str(&v2).unwrap();
        assert_eq!(Record::try_from(wire).unwrap(), used());
    }

    #[test]
    fn cbor_keeps_bytes_as_bytes() {
        for record in [full(), used()] {
            let mut cbor = Vec::new();
            ciborium::into_writer(&Wire::from(&record), &mut cbor).unwrap();
            let wire: Wire = ciborium::from_reader(&cbor[..]).unwrap();
            assert_eq!(Record::try_from(wire).unwrap(), record);
        }
    }

    #[test]
    fn duplicate_and_unknown_keys_are_refused() {
        let json = serde_json::to_string(&Wire::from(&used())).unwrap();
        for (from, to) in [
            (r#"{"V2":"#, r#"{"V3":"#),
            (r#"{"V2":"#, r#"{"V1":"#),
            (r#","used":5"#, ""),
            (r#""used":5"#, r#""used":null"#),
            (r#""used":5"#, r#""used":5,"used":5"#),
            (
                r#""fields":{"#,
                r#""fields":{"password":{"secret":true,"expires":null,"value":{"text":"x"}},"#,
            ),
            (r#""created":0"#, r#""created":0,"created":0"#),
            (r#""created":0"#, r#""created":0,"more":0"#),
        ] {
            let bad = json.replace(from, to);
            assert_ne!(bad, json);
            assert!(serde_json::from_str::<Wire>(&bad).is_err(), "{to}");
        }
    }
}
