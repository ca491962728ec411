//! Settings in a JSON object.

use std::collections::BTreeMap;
use std::fmt;

use keyward_core::Secret;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The members of a JSON object that are text or a list, of which the last text counts. Others are
/// left out.
pub(super) struct Overrides(pub(super) BTreeMap<String, Secret>);

impl<'de> Deserialize<'de> for Overrides {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Overrides;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Overrides, A::Error> {
                let mut settings = BTreeMap::new();
                while let Some((key, Text(value))) = map.next_entry::<String, Text>()? {
                    settings.extend(value.map(|value| (key, value)));
                }
                Ok(Overrides(settings))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// A value in JSON; `None` if it is neither text nor a list that ends with text.
struct Text(Option<Secret>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct AnyValue;

        impl<'de> Visitor<'de> for AnyValue {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_str<E>(self, text: &str) -> std::result::Result<Text, E> {
                Ok(Text(Some(Secret::from(text))))
            }

            fn visit_bool<E>(self, _: bool) -> std::result::Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_i64<E>(self, _: i64) -> std::result::Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_u64<E>(self, _: u64) -> std::result::Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_f64<E>(self, _: f64) -> std::result::Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_unit<E>(self) -> std::result::Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> std::result::Result<Text, A::Error> {
                let mut last = Text(None);
                while let Some(next) = list.next_element()? {
                    last = next;
                }
                Ok(last)
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Text, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
        }

        deserializer.deserialize_any(AnyValue)
    }
}
