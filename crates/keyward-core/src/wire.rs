//! A record as serde formats write it.
//!
//! The outermost thing is the version, an externally tagged enum, so that formats that do not describe
//! themselves can read it too. The structs below it never change: one field more would make every blob
//! of theirs unreadable. What a record gains later comes as `V2`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    Derivation, EntryId, Error, Field, Form, MAX_ITEMS, Origin, Record, Result, Revision, Secret,
    Timestamp,
};

/// A record and the version of its writing.
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
}

/// Version 1 of a record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordV1<'a> {
    kind: Cow<'a, str>,
    fields: Sorted<FieldV1<'a>>,
    origins: Limited<OriginV1>,
    created: u64,
    updated: u64,
    expires: Option<u64>,
    labels: Sorted<Cow<'a, str>>,
    derived_from: Option<DerivationV1>,
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
struct OriginV1 {
    scheme: String,
    host: String,
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
        let fields = record.fields.iter().map(|(name, field)| (name.clone(), FieldV1::from(field)));
        let labels =
            record.labels.iter().map(|(name, text)| (name.clone(), Cow::Borrowed(text.as_str())));
        Self::V1(RecordV1 {
            kind: Cow::Borrowed(&record.kind),
            fields: Sorted(fields.collect()),
            origins: Limited(record.origins.iter().map(OriginV1::from).collect()),
            created: record.created.as_unix(),
            updated: record.updated.as_unix(),
            expires: record.expires.map(Timestamp::as_unix),
            labels: Sorted(labels.collect()),
            derived_from: record.derived_from.as_ref().map(DerivationV1::from),
        })
    }
}

impl TryFrom<Wire<'_>> for Record {
    type Error = Error;

    fn try_from(wire: Wire<'_>) -> Result<Self> {
        let Wire::V1(v1) = wire;
        Ok(Self {
            kind: v1.kind.into_owned(),
            fields: v1.fields.0.into_iter().map(|(name, field)| (name, field.into())).collect(),
            origins: v1.origins.0.into_iter().map(Origin::from).collect(),
            created: Timestamp::from_unix(v1.created),
            updated: Timestamp::from_unix(v1.updated),
            expires: v1.expires.map(Timestamp::from_unix),
            labels: v1.labels.0.into_iter().map(|(name, text)| (name, text.into_owned())).collect(),
            derived_from: v1.derived_from.map(Derivation::try_from).transpose()?,
        })
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

impl From<&Origin> for OriginV1 {
    fn from(origin: &Origin) -> Self {
        Self { scheme: origin.scheme.clone(), host: origin.host.clone(), port: origin.port }
    }
}

impl From<OriginV1> for Origin {
    fn from(v1: OriginV1) -> Self {
        Self { scheme: v1.scheme, host: v1.host, port: v1.port }
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

/// A secret that is bytes: base64 where people read the format, bytes elsewhere.
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
            let bytes =
                STANDARD.decode(encoded.expose()).map_err(|_| de::Error::custom("not base64"))?;
            Ok(Self(Cow::Owned(Secret::new(bytes))))
        } else {
            deserializer.deserialize_byte_buf(BytesVisitor).map(|secret| Self(Cow::Owned(secret)))
        }
    }
}

/// A map that is written sorted, and read only if no key comes twice and there are not too many.
#[derive(Debug)]
struct Sorted<V>(BTreeMap<String, V>);

impl<V: Serialize> Serialize for Sorted<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.len() > MAX_ITEMS {
            return Err(serde::ser::Error::custom("too many items"));
        }
        self.0.serialize(serializer)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Sorted<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SortedVisitor<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for SortedVisitor<V> {
            type Value = BTreeMap<String, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut map = BTreeMap::new();
                while let Some((key, value)) = access.next_entry()? {
                    if map.insert(key, value).is_some() {
                        return Err(de::Error::custom("a key that comes twice"));
                    }
                    if map.len() > MAX_ITEMS {
                        return Err(de::Error::custom("too many items"));
                    }
                }
                Ok(map)
            }
        }

        deserializer.deserialize_map(SortedVisitor(PhantomData)).map(Self)
    }
}

/// A list that is read only if it is not too long.
#[derive(Debug)]
struct Limited<T>(Vec<T>);

impl<T: Serialize> Serialize for Limited<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.len() > MAX_ITEMS {
            return Err(serde::ser::Error::custom("too many items"));
        }
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Limited<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LimitedVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for LimitedVisitor<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = access.next_element()? {
                    if list.len() == MAX_ITEMS {
                        return Err(de::Error::custom("too many items"));
                    }
                    list.push(item);
                }
                Ok(list)
            }
        }

        deserializer.deserialize_seq(LimitedVisitor(PhantomData)).map(Self)
    }
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

    #[test]
    fn json_shows_text_as_text_and_bytes_as_base64() {
        let json = serde_json::to_string(&Wire::from(&full())).unwrap();
        assert!(json.starts_with(r#"{"V1":{"kind":"user-password","fields":{"password":{"secret":true,"expires":null,"value":{"bytes":"/wA="}}"#), "{json}");
        let wire: Wire = serde_json::from_str(&json).unwrap();
        assert_eq!(Record::try_from(wire).unwrap(), full());
    }

    #[test]
    fn cbor_keeps_bytes_as_bytes() {
        let mut cbor = Vec::new();
        ciborium::into_writer(&Wire::from(&full()), &mut cbor).unwrap();
        let wire: Wire = ciborium::from_reader(&cbor[..]).unwrap();
        assert_eq!(Record::try_from(wire).unwrap(), full());
    }

    #[test]
    fn duplicate_and_unknown_keys_are_refused() {
        let json = serde_json::to_string(&Wire::from(&full())).unwrap();
        for (from, to) in [
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
