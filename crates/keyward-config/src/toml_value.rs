//! Reads and writes the values of options, in TOML and on the command line.

use std::fmt::Write as _;
use std::path::Path;

use keyward_core::{
    Error, OptionSpec, OptionType, Result, SecretRef, Value, Values, write_duration,
};
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};
use toml_edit::Key;

use crate::toml_file::TomlFile;

/// Reads a table of options.
pub(crate) fn values_of(file: &TomlFile, table: &DeTable<'_>) -> Result<Values> {
    let mut values = Values::new();
    for (name, value) in table {
        values.insert(name.get_ref().to_string(), value_of(file, value)?);
    }
    Ok(values)
}

/// Reads a TOML value as an option's value. A table is a reference to a secret.
pub(crate) fn value_of(file: &TomlFile, value: &Spanned<DeValue<'_>>) -> Result<Value> {
    let wrong = |why: &str| Err(file.wrong(value.span(), why));
    match value.get_ref() {
        DeValue::String(text) => Ok(Value::Text(text.to_string())),
        DeValue::Boolean(flag) => Ok(Value::Flag(*flag)),
        DeValue::Integer(number) => match u64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) => wrong("this must be a whole number that is not negative"),
        },
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| match item.get_ref() {
                DeValue::String(text) => Ok(text.to_string()),
                _ => Err(file.wrong(item.span(), "this must be text")),
            });
            Ok(Value::List(texts.collect::<Result<_>>()?))
        }
        DeValue::Table(table) => {
            let mut options = values_of(file, table)?;
            match options.remove("from") {
                Some(Value::Text(from)) => Ok(Value::Secret(SecretRef { from, options })),
                _ => wrong("a reference needs `from`, the name of a key source"),
            }
        }
        DeValue::Float(_) | DeValue::Datetime(_) => {
            wrong("this must be text, a whole number, true or false")
        }
    }
}

/// Reads an option's value from the command line.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid) if it does not have the type of the option. A
/// secret must be a reference, never the secret itself.
pub fn parse_value(spec: &OptionSpec, text: &str) -> Result<Value> {
    let wrong =
        |wanted: &str| Err(Error::invalid("options", format!("`{}` takes {wanted}", spec.name)));
    match spec.kind {
        OptionType::Text | OptionType::Path | OptionType::Store | OptionType::Duration => {
            Ok(Value::Text(text.to_owned()))
        }
        OptionType::Flag => match text {
            "true" => Ok(Value::Flag(true)),
            "false" => Ok(Value::Flag(false)),
            _ => wrong("true or false"),
        },
        OptionType::Number => match text.parse() {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) => wrong("a whole number"),
        },
        OptionType::List => Ok(Value::List(text.split(',').map(str::to_owned).collect())),
        OptionType::Secret => match parse_reference(text) {
            Some(reference) => Ok(reference),
            None => wrong(
                "a reference such as { from = \"env\", name = \"…\" }; never write a secret itself here",
            ),
        },
        _ => wrong("a value of a type that this program does not know"),
    }
}

/// Reads a reference to a secret from the command line: a key source and its options.
pub(crate) fn parse_reference(text: &str) -> Option<Value> {
    let file = TomlFile::from_text(Path::new("the value"), format!("it = {text}"));
    let table = file.parse().ok().filter(|table| table.len() == 1)?;
    value_of(&file, table.get("it")?).ok().filter(|value| matches!(value, Value::Secret(_)))
}

/// Returns a value as it is written in TOML.
pub fn render_value(value: &Value) -> String {
    match value {
        Value::Text(text) => quoted(text),
        Value::Flag(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::List(texts) => {
            format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
        }
        Value::Secret(reference) => {
            let mut text = format!("{{ from = {}", quoted(&reference.from));
            for (name, value) in reference.options.iter() {
                write!(text, ", {} = {}", Key::new(name), render_value(value)).unwrap_or_default();
            }
            text + " }"
        }
        Value::Duration(duration) => quoted(&write_duration(*duration)),
        // No reader produces another one.
        _ => String::new(),
    }
}

/// Returns a text as a quoted TOML string.
pub(crate) fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}
