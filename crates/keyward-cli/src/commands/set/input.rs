//! The JSON that `set --json` reads: what `get --json --reveal` writes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward_core::{Error, MAX_RECORD, Result, Secret};
use keyward_kinds::{Changes, Kind};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::json::ENCODED;

/// The most bytes of the JSON: base64 and escapes make a record longer.
const MAX: usize = 2 * MAX_RECORD;

/// What to change in a record.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::commands) struct Input {
    pub(in crate::commands) kind: Option<String>,
    /// `resolve` writes it.
    #[serde(default)]
    pub(in crate::commands) sources: Vec<String>,
    pub(super) expires: Option<String>,
    #[serde(default)]
    fields: Object<Value>,
    /// The names of the secret fields.
    secret: Option<BTreeSet<String>>,
    #[serde(default)]
    labels: Object<String>,
    /// `get` writes these, and `set` does not change them.
    #[serde(default, rename = "user")]
    _user: IgnoredAny,
    #[serde(default, rename = "name")]
    _name: IgnoredAny,
    #[serde(default, rename = "created")]
    _created: IgnoredAny,
    #[serde(default, rename = "updated")]
    _updated: IgnoredAny,
    #[serde(default, rename = "used")]
    _used: IgnoredAny,
}

impl Input {
    /// Reads one object from `shown`, which is its name in errors.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) with the position of a fault, but never with the
    /// text that is there.
    ///
    /// # Security
    /// The whole text is wiped. A value without escapes is copied from it into a [`Secret`]. A value
    /// with escapes such as `\n` is first decoded into a buffer of `serde_json`, which does not wipe
    /// it.
    pub(in crate::commands) fn read(shown: &str, from: impl Read) -> Result<Self> {
        let text = Secret::read_from(from, MAX)
            .map_err(|error| Error::invalid("usage", format!("{shown}: {error}")))?;
        serde_json::from_slice(text.expose()).map_err(|error| {
            let fault = match error.classify() {
                serde_json::error::Category::Data => {
                    "a key is unknown or repeated, or a value is not of its type"
                }
                _ => "this is not JSON",
            };
            let (line, column) = (error.line(), error.column());
            let why = format!("{shown}, line {line}, column {column}: {fault}");
            Error::invalid("usage", why)
                .hint("Write an object with some of: kind, fields, secret, labels, expires")
        })
    }

    /// Returns the changes that the object names. Without a list of the secret fields, those are
    /// secret that the table of the kind does not have.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if a field is there twice, or its base64 is not
    /// valid.
    pub(in crate::commands) fn changes(self, kind: &Kind) -> Result<Changes> {
        let mut changes = Changes::default();
        changes.labels = self.labels.0;
        for (key, value) in self.fields.0 {
            let (name, value) = match key.strip_suffix(ENCODED) {
                Some(name) => (name.to_owned(), decoded(&value.0)?),
                None => (key, value.0),
            };
            if changes.fields.contains_key(&name) {
                return Err(Error::invalid("usage", "a field is in the JSON twice"));
            }
            let is_secret = match &self.secret {
                Some(names) => names.contains(&name),
                None => kind.spec(&name).is_none(),
            };
            changes = match is_secret {
                true => changes.with_secret(name, value),
                false => changes.with_field(name, value),
            };
        }
        Ok(changes)
    }
}

fn decoded(text: &Secret) -> Result<Secret> {
    STANDARD.decode(text.expose()).map(Secret::new).map_err(|_| {
        Error::invalid("usage", format!("a value whose key ends with `{ENCODED}` is not base64"))
    })
}

/// The value of a field.
struct Value(Secret);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Value, E> {
                Ok(Value(Secret::from(text)))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// An object in which no key is repeated.
struct Object<V>(BTreeMap<String, V>);

impl<V> Default for Object<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Object<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Members<V>(std::marker::PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Members<V> {
            type Value = Object<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, V>()? {
                    if members.insert(key, value).is_some() {
                        return Err(de::Error::custom("a key is repeated"));
                    }
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members(std::marker::PhantomData))
    }
}
