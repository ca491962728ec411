//! Options as JSON, the form in which Keyward passes them to plugins.
//!
//! They are one object. Text and paths are strings, flags `true` or `false`, numbers whole and not
//! negative, lists arrays of strings. A duration is a string that consists of a number and `ms`. A reference to a secret is an object: its `from` is the key
//! source, and its other keys are the options of that source.

use std::fmt;

use keyward_core::{Error, MAX_ITEMS, Result, SecretRef, Value, Values};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// The size of the largest JSON that is read, in bytes: 1 MiB.
pub const MAX_JSON: usize = 1 << 20;

/// How deeply references may be nested.
const MAX_DEPTH: usize = 16;

/// Encodes options as JSON, with sorted keys.
///
/// # Examples
/// ```
/// use keyward_plugin::{Value, Values, json};
///
/// let values = Values::new().with("root", Value::Text("/srv".into())).with("wait", Value::Number(5));
/// assert_eq!(json::values_to_json(&values), br#"{"root":"/srv","wait":5}"#);
/// ```
pub fn values_to_json(values: &Values) -> Vec<u8> {
    let object = Object { from: None, values };
    serde_json::to_vec(&object).expect("texts and numbers are JSON, and memory takes them")
}

/// Decodes the options that [`values_to_json`] encoded.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid) if they are not exactly one such object: for
/// example with a duplicate key, `null`, a fraction, more than [`MAX_JSON`] bytes, or references
/// that are nested too deeply.
pub fn values_from_json(json: &[u8]) -> Result<Values> {
    // The decoder's error quotes what it reads, and a user may have written a secret there.
    let invalid =
        || Error::invalid("options", "the options are not a JSON object of the expected form");
    if json.len() > MAX_JSON {
        return Err(invalid());
    }
    let mut decoder = serde_json::Deserializer::from_slice(json);
    let object = Map { depth: 0 }.deserialize(&mut decoder).map_err(|_| invalid())?;
    decoder.end().map_err(|_| invalid())?;
    Ok(object)
}

/// Encodes a reference to a secret as JSON, in the form that it has among options.
pub fn reference_to_json(reference: &SecretRef) -> Vec<u8> {
    let object = Object { from: Some(&reference.from), values: &reference.options };
    serde_json::to_vec(&object).expect("texts and numbers are JSON, and memory takes them")
}

/// Decodes the reference that [`reference_to_json`] encoded.
///
/// # Errors
/// Those of [`values_from_json`].
pub fn reference_from_json(json: &[u8]) -> Result<SecretRef> {
    let mut options = values_from_json(json)?;
    match options.remove(FROM) {
        Some(Value::Text(from)) => Ok(SecretRef { from, options }),
        _ => Err(Error::invalid("options", "a reference must name its key source")),
    }
}

/// Options, or a reference to a secret, which has one more key.
struct Object<'a> {
    from: Option<&'a str>,
    values: &'a Values,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(from) = self.from {
            map.serialize_entry(FROM, from)?;
        }
        // A key source cannot have an option of this name, because it could not be set.
        let options = self.values.iter().filter(|(name, _)| self.from.is_none() || *name != FROM);
        for (name, value) in options {
            match value {
                Value::Text(text) => map.serialize_entry(name, text)?,
                Value::Flag(flag) => map.serialize_entry(name, flag)?,
                Value::Number(number) => map.serialize_entry(name, number)?,
                Value::List(texts) => map.serialize_entry(name, texts)?,
                Value::Duration(duration) => {
                    map.serialize_entry(name, &format!("{}ms", duration.as_millis()))?;
                }
                Value::Secret(SecretRef { from, options }) => {
                    map.serialize_entry(name, &Object { from: Some(from), values: options })?;
                }
                _ => return Err(serde::ser::Error::custom("a value of an unknown type")),
            }
        }
        map.end()
    }
}

const FROM: &str = "from";

/// Reads an object at this depth.
#[derive(Clone, Copy)]
struct Map {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Map {
    type Value = Values;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Values, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Map {
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
        let mut values = Values::new();
        for _ in 0..MAX_ITEMS {
            let Some(name) = map.next_key::<String>()? else { return Ok(values) };
            if values.get(&name).is_some() {
                return Err(A::Error::custom("a key that occurs twice"));
            }
            let value = map.next_value_seed(One { depth: self.depth })?;
            values.insert(name, value);
        }
        Err(A::Error::custom("too many keys"))
    }
}

/// Reads one value of an object at this depth.
struct One {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for One {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for One {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value of an option")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element::<String>()? {
            texts.push(text);
        }
        Ok(Value::List(texts))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        if self.depth == MAX_DEPTH {
            return Err(A::Error::custom("references that are nested too deeply"));
        }
        let mut options = Map { depth: self.depth + 1 }.visit_map(map)?;
        match options.remove(FROM) {
            Some(Value::Text(from)) => Ok(Value::Secret(SecretRef { from, options })),
            _ => Err(A::Error::custom("a reference must name its key source")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn reference(from: &str, options: Values) -> Value {
        Value::Secret(SecretRef { from: from.into(), options })
    }

    #[test]
    fn every_type_is_decoded_unchanged() {
        let inner = Values::new().with("name", text("TOKEN"));
        let values = Values::new()
            .with("root", text("/srv/\"\u{e9}\n"))
            .with("sync", Value::Flag(false))
            .with("wait", Value::Number(u64::MAX))
            .with("hosts", Value::List(vec!["a".into(), String::new()]))
            .with("none", Value::List(vec![]))
            .with(
                "password",
                reference("file", inner.with("key", reference("env", Values::new()))),
            );
        let json = values_to_json(&values);
        assert_eq!(values_from_json(&json).unwrap(), values);
        assert_eq!(values_from_json(&values_to_json(&Values::new())).unwrap(), Values::new());
    }

    #[test]
    fn a_reference_names_its_source_first() {
        let reference = reference("env", Values::new().with("a", text("b")));
        let json = values_to_json(&Values::new().with("password", reference));
        assert_eq!(json, br#"{"password":{"from":"env","a":"b"}}"#);
    }

    #[test]
    fn a_reference_is_decoded_unchanged() {
        let options = Values::new().with("name", text("TOKEN"));
        let reference = SecretRef { from: "env".into(), options };
        assert_eq!(reference_from_json(&reference_to_json(&reference)).unwrap(), reference);
        assert!(reference_from_json(b"{}").is_err());
    }

    #[test]
    fn anything_else_is_refused_and_not_quoted() {
        for json in [
            "",
            "null",
            "[]",
            "7",
            "{",
            "{} x",
            r#"{"a":null}"#,
            r#"{"a":-1}"#,
            r#"{"a":1.5}"#,
            r#"{"a":18446744073709551616}"#,
            r#"{"a":[1]}"#,
            r#"{"a":[["b"]]}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"name":"canary"}}"#,
            r#"{"a":{"from":1}}"#,
            r#"{"a":{"from":"b","from":"c"}}"#,
            r#"{"a":canary}"#,
            "{\"a\":\"\u{1}\"}",
        ] {
            let error = values_from_json(json.as_bytes()).unwrap_err();
            assert!(!format!("{error:?}").contains("canary"), "{json}");
        }
        assert!(values_from_json(b"{\"\xff\":1}").is_err());
    }

    #[test]
    fn size_depth_and_number_have_limits() {
        let nested = |depth| {
            (0..depth)
                .fold(Value::Number(1), |inner, _| reference("b", Values::new().with("a", inner)))
        };
        let json = |depth| values_to_json(&Values::new().with("a", nested(depth)));
        assert!(values_from_json(&json(MAX_DEPTH)).is_ok());
        assert!(values_from_json(&json(MAX_DEPTH + 1)).is_err());
        assert!(values_from_json(&json(100)).is_err());
        let many = (0..=MAX_ITEMS).map(|at| format!("\"{at}\":1")).collect::<Vec<_>>().join(",");
        assert!(values_from_json(format!("{{{many}}}").as_bytes()).is_err());
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_JSON));
        assert!(values_from_json(long.as_bytes()).is_err());
    }
}
