use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;
use std::time::Duration;

use crate::{Error, Result, parse_duration, printable};

/// The options of a backend: a struct and the table of its keys. `keyward_plugin::options!` makes
/// both.
///
/// The table is data: configuration, help and documentation are made from it, and a plugin can send
/// it to Keyward.
pub trait Options: Sized + Debug {
    /// Every key, in the order in which it is shown.
    const TABLE: &'static [OptionSpec];

    /// Reads the options from `values`, which were checked against the table.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid), with the name of the key.
    fn read(values: &Values) -> Result<Self>;
}

/// For backends without options.
#[derive(Clone, Copy, Debug)]
pub struct NoOptions;

impl Options for NoOptions {
    const TABLE: &'static [OptionSpec] = &[];

    fn read(_: &Values) -> Result<Self> {
        Ok(Self)
    }
}

/// One key of a backend's options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OptionSpec {
    /// The key.
    pub name: &'static str,
    /// The type of its value.
    pub kind: OptionType,
    /// Its value if none is given, written as in TOML.
    pub default: Option<&'static str>,
    /// Whether it must be given.
    pub required: bool,
    /// The texts that it can be, or that its list can contain; none for any text.
    pub choices: &'static [&'static str],
    /// What it does, in one line.
    pub help: &'static str,
}

/// The type of an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionType {
    /// Text.
    Text,
    /// A path, in which `%…%` and a leading `~` are expanded.
    Path,
    /// True or false.
    Flag,
    /// A whole number that is not negative.
    Number,
    /// Several texts.
    List,
    /// A secret, which must be a reference: `{ from = "env", … }`.
    Secret,
    /// A duration, written as text: `"30s"`.
    Duration,
    /// The name of a store that the backend uses.
    Store,
}

/// A value as the configuration gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// Text, a path or the name of a store.
    Text(String),
    /// True or false.
    Flag(bool),
    /// A whole number.
    Number(u64),
    /// Several texts.
    List(Vec<String>),
    /// Where to get a secret.
    Secret(SecretRef),
    /// A duration in whole milliseconds. Configuration and plugins write it as text;
    /// [`Values::complete`] makes a duration of it.
    Duration(Duration),
}

/// Where to get a secret: a key source and its options.
///
/// It contains no secret and may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRef {
    /// The name of the key source.
    pub from: String,
    /// The key source's own options.
    pub options: Values,
}

/// The name of a store that a backend uses, as an option of the type [`OptionType::Store`].
/// [`Host::source`](crate::Host::source) opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreRef(pub String);

/// The values that a backend is given for its options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, Value>);

impl Values {
    /// Makes an empty set of values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one value.
    pub fn insert(&mut self, name: impl Into<String>, value: Value) {
        self.0.insert(name.into(), value);
    }

    /// Returns the same values with one more.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: Value) -> Self {
        self.insert(name, value);
        self
    }

    /// Returns the value of this key, if it was given.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Removes a value and returns it.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Iterates over all values, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Adds the defaults of a table and checks every value against it.
    ///
    /// # Errors
    /// For an unknown key, a value of the wrong type or a required one that is missing.
    pub fn complete(mut self, table: &[OptionSpec]) -> Result<Self, OptionError> {
        for name in self.0.keys() {
            OptionSpec::find(table, name)?;
        }
        for spec in table {
            match (self.0.get_mut(spec.name), spec.default) {
                (Some(value), _) => {
                    spec.read_duration(value);
                    spec.check(value)?;
                }
                (None, Some(default)) => {
                    let value = spec.kind.default_value(default).ok_or_else(|| {
                        let why = format!("the default of `{}` is not of its type", spec.name);
                        OptionError::new(spec.name, why)
                    })?;
                    spec.check(&value)?;
                    self.0.insert(spec.name.to_owned(), value);
                }
                (None, None) if spec.required => {
                    let error = OptionError::new(spec.name, format!("`{}` is missing", spec.name));
                    return Err(OptionError { hint: Some(spec.help.to_owned()), ..error });
                }
                (None, None) => {}
            }
        }
        Ok(self)
    }
}

/// An option that is unknown, missing or has a value of the wrong type.
///
/// A caller that knows where the value comes from adds that place. As an [`Error`], it is
/// [`Invalid`](crate::ErrorKind::Invalid).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionError {
    /// The key of the option.
    pub key: String,
    /// What is wrong.
    pub why: String,
    /// What to do.
    pub hint: Option<String>,
}

impl OptionError {
    fn new(key: &str, why: String) -> Self {
        Self { key: key.to_owned(), why, hint: None }
    }

    fn unknown(key: &str, table: &[OptionSpec]) -> Self {
        let known: Vec<_> = table.iter().map(|spec| spec.name).collect();
        let hint = match known.is_empty() {
            true => "This backend has no options".to_owned(),
            false => format!("The options are: {}", known.join(", ")),
        };
        let why = format!("`{}` is not an option here", printable(key));
        Self { hint: Some(hint), ..Self::new(key, why) }
    }
}

impl From<OptionError> for Error {
    fn from(error: OptionError) -> Self {
        let invalid = Self::invalid("options", error.why);
        match error.hint {
            Some(hint) => invalid.hint(hint),
            None => invalid,
        }
    }
}

impl OptionSpec {
    /// Makes an option that need not be given and has no default.
    pub const fn new(name: &'static str, kind: OptionType, help: &'static str) -> Self {
        Self { name, kind, default: None, required: false, choices: &[], help }
    }

    /// Returns the same with this default, written as in TOML.
    #[must_use]
    pub const fn with_default(self, default: Option<&'static str>) -> Self {
        Self { default, ..self }
    }

    /// Returns the same for an option that must be given, or need not.
    #[must_use]
    pub const fn required(self, required: bool) -> Self {
        Self { required, ..self }
    }

    /// Returns the same for an option that is one of these texts, or a list of them.
    #[must_use]
    pub const fn with_choices(self, choices: &'static [&'static str]) -> Self {
        Self { choices, ..self }
    }

    /// Returns the option of this key.
    ///
    /// # Errors
    /// If there is none; the hint lists those that exist.
    pub fn find<'a>(table: &'a [Self], key: &str) -> Result<&'a Self, OptionError> {
        let found = table.iter().find(|spec| spec.name == key);
        found.ok_or_else(|| OptionError::unknown(key, table))
    }

    /// Makes a duration of a text, if the option is a duration and the text is one.
    fn read_duration(&self, value: &mut Value) {
        if self.kind == OptionType::Duration
            && let Value::Text(text) = value
            && let Some(duration) = parse_duration(text)
        {
            *value = Value::Duration(duration);
        }
    }

    /// Checks that a value has the type of the option, and is one of its choices.
    ///
    /// # Errors
    /// If it has another type, or is none of the choices.
    pub fn check(&self, value: &Value) -> Result<(), OptionError> {
        let fits = matches!(
            (self.kind, value),
            (OptionType::Text | OptionType::Path | OptionType::Store, Value::Text(_))
                | (OptionType::Flag, Value::Flag(_))
                | (OptionType::Number, Value::Number(_))
                | (OptionType::List, Value::List(_))
                | (OptionType::Secret, Value::Secret(_))
                | (OptionType::Duration, Value::Duration(_))
        );
        if !fits {
            return Err(mismatch(self.name, self.kind));
        }
        match value {
            Value::Text(text) => self.check_choice(text),
            Value::List(texts) => texts.iter().try_for_each(|text| self.check_choice(text)),
            _ => Ok(()),
        }
    }

    fn check_choice(&self, text: &str) -> Result<(), OptionError> {
        if self.choices.is_empty() || self.choices.contains(&text) {
            return Ok(());
        }
        let why = format!("`{}` cannot be `{}`", self.name, printable(text));
        let hint = format!("The choices are: {}", self.choices.join(", "));
        Err(OptionError { hint: Some(hint), ..OptionError::new(self.name, why) })
    }
}

fn mismatch(name: &str, kind: OptionType) -> OptionError {
    let wanted = match kind {
        OptionType::Text => "text",
        OptionType::Path => "a path",
        OptionType::Flag => "true or false",
        OptionType::Number => "a whole number",
        OptionType::List => "a list of texts",
        OptionType::Duration => "a duration such as \"30s\", with one of the units ms, s, m, h, d",
        OptionType::Store => "the name of a store",
        OptionType::Secret => {
            "a reference such as { from = \"env\", name = \"…\" }; never write the secret itself here"
        }
    };
    OptionError::new(name, format!("`{name}` takes {wanted}"))
}

impl OptionType {
    /// Reads a default that an options table writes as in TOML, in its plain form: `true`, `30`,
    /// `"text"`.
    ///
    /// Returns `None` if the text is not in that form, or is not of this type.
    pub fn default_value(self, text: &str) -> Option<Value> {
        match self {
            Self::Text | Self::Path => plain_text(text).map(|text| Value::Text(text.to_owned())),
            Self::Duration => parse_duration(plain_text(text)?).map(Value::Duration),
            Self::Flag => text.parse().ok().map(Value::Flag),
            Self::Number if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().ok().map(Value::Number)
            }
            // A plugin announces its defaults itself, and must not choose whose records it gets.
            Self::Store | Self::Secret => None,
            Self::Number | Self::List => None,
        }
    }
}

/// Returns the text between the quotes, if it contains no quote, backslash or control character.
fn plain_text(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let stands_for_itself = |c: char| c != '"' && c != '\\' && !c.is_control();
    inner.chars().all(stands_for_itself).then_some(inner)
}

/// A type that a field of an options struct may have.
pub trait OptionValue: Sized {
    /// The type of the option's value.
    const KIND: OptionType;
    /// Whether the option must be given if it has no default.
    const REQUIRED: bool = true;

    /// Reads the value; `None` if it was not given.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if it is of another type or missing.
    fn read(name: &'static str, value: Option<&Value>) -> Result<Self>;
}

macro_rules! option_value {
    ($($type:ty, $kind:ident, $pattern:pat => $result:expr;)*) => {$(
        impl OptionValue for $type {
            const KIND: OptionType = OptionType::$kind;

            fn read(name: &'static str, value: Option<&Value>) -> Result<Self> {
                match value {
                    Some($pattern) => Ok($result),
                    _ => Err(mismatch(name, Self::KIND).into()),
                }
            }
        }
    )*};
}

option_value! {
    String, Text, Value::Text(text) => text.clone();
    PathBuf, Path, Value::Text(text) => Self::from(text);
    bool, Flag, Value::Flag(flag) => *flag;
    u64, Number, Value::Number(number) => *number;
    SecretRef, Secret, Value::Secret(reference) => reference.clone();
    Duration, Duration, Value::Duration(duration) => *duration;
    StoreRef, Store, Value::Text(name) => Self(name.clone());
}

impl OptionValue for Vec<String> {
    const KIND: OptionType = OptionType::List;
    const REQUIRED: bool = false;

    fn read(name: &'static str, value: Option<&Value>) -> Result<Self> {
        match value {
            None => Ok(Self::new()),
            Some(Value::List(texts)) => Ok(texts.clone()),
            Some(_) => Err(mismatch(name, Self::KIND).into()),
        }
    }
}

impl<T: OptionValue> OptionValue for Option<T> {
    const KIND: OptionType = T::KIND;
    const REQUIRED: bool = false;

    fn read(name: &'static str, value: Option<&Value>) -> Result<Self> {
        value.map(|value| T::read(name, Some(value))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_is_in_plain_form_and_of_its_type() {
        use OptionType::*;
        assert_eq!(Text.default_value("\"a b\""), Some(Value::Text("a b".into())));
        assert_eq!(Path.default_value("\"\""), Some(Value::Text(String::new())));
        assert_eq!(Flag.default_value("true"), Some(Value::Flag(true)));
        assert_eq!(Number.default_value("30"), Some(Value::Number(30)));
        for (kind, text) in [
            (Text, "abc"),
            (Text, "\""),
            (Text, "\"a\\tb\""),
            (Text, "\"a\"b\""),
            (Text, "true"),
            (Flag, "True"),
            (Flag, "1"),
            (Number, "abc"),
            (Number, ""),
            (Number, "+1"),
            (Number, "1_000"),
            (Number, "18446744073709551616"),
            (List, "[]"),
            (Secret, "\"hunter2\""),
            (Duration, "30"),
            (Duration, "\"30\""),
            (Duration, "30s"),
        ] {
            assert_eq!(kind.default_value(text), None, "{kind:?} {text}");
        }
    }

    #[test]
    fn a_default_of_another_type_is_an_error() {
        let spec = OptionSpec::new("n", OptionType::Number, "").with_default(Some("abc"));
        let error = Values::new().complete(&[spec]).unwrap_err();
        assert_eq!(
            (error.key.as_str(), error.why.as_str()),
            ("n", "the default of `n` is not of its type")
        );
    }

    #[test]
    fn a_value_is_one_of_the_choices() {
        const TABLE: &[OptionSpec] = &[
            OptionSpec::new("how", OptionType::Text, "").with_choices(&["fast", "safe"]),
            OptionSpec::new("both", OptionType::List, "").with_choices(&["fast", "safe"]),
        ];
        let text = |text: &str| Value::Text(text.into());
        let list = |texts: &[&str]| Value::List(texts.iter().map(|&text| text.into()).collect());
        for (name, value) in [("how", text("safe")), ("both", list(&[])), ("both", list(&["fast"]))]
        {
            Values::new().with(name, value).complete(TABLE).unwrap();
        }
        for (name, value) in [("how", text("\u{1b}")), ("both", list(&["fast", "slow"]))] {
            let error = Values::new().with(name, value).complete(TABLE).unwrap_err();
            assert!(error.why.starts_with(&format!("`{name}` cannot be `")), "{}", error.why);
            assert!(!error.why.contains('\u{1b}'));
            assert_eq!(error.hint.unwrap(), "The choices are: fast, safe");
        }
    }

    #[test]
    fn the_text_of_a_duration_is_made_one() {
        const TABLE: &[OptionSpec] =
            &[OptionSpec::new("wait", OptionType::Duration, "").with_default(Some("\"10s\""))];
        let complete = |value| Values::new().with("wait", value).complete(TABLE);
        let read =
            |values: Values| <std::time::Duration>::read("wait", values.get("wait")).unwrap();
        assert_eq!(read(Values::new().complete(TABLE).unwrap()).as_secs(), 10);
        assert_eq!(read(complete(Value::Text("2m".into())).unwrap()).as_secs(), 120);
        for wrong in [Value::Text("2".into()), Value::Number(2), Value::Text("soon".into())] {
            let error = complete(wrong).unwrap_err();
            assert!(error.why.contains("such as \"30s\""), "{}", error.why);
        }
    }
}
