//! A table of the configuration, with its lines.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use keyward_config::TomlFile;
use keyward_core::{Error, Result, parse_duration};
use toml::de::{DeTable, DeValue};

/// A table of the configuration, whose keys are known.
#[derive(Debug)]
pub struct Section<'a> {
    file: &'a TomlFile,
    table: &'a DeTable<'a>,
    /// Where the table is, for errors about keys that are missing.
    place: Range<usize>,
}

impl<'a> Section<'a> {
    pub(super) fn top(file: &'a TomlFile, table: &'a DeTable<'a>, keys: &[&str]) -> Result<Self> {
        file.check_keys(table, keys, "the configuration")?;
        Ok(Self { file, table, place: 0..0 })
    }

    /// Returns the table of a key, if it exists. `what` describes it in an error about another key.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the line; also for a key that is not one of
    /// `keys`.
    pub fn section(&self, key: &str, what: &str, keys: &[&str]) -> Result<Option<Self>> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.wrong(key, format!("`{key}` takes a table: [{key}]")));
        };
        self.file.check_keys(table, keys, what)?;
        Ok(Some(Self { file: self.file, table, place: value.span() }))
    }

    /// Returns the tables of a key.
    ///
    /// # Errors
    /// As [`section`](Self::section).
    pub fn sections(&self, key: &str, what: &str, keys: &[&str]) -> Result<Vec<Self>> {
        let Some(value) = self.table.get(key) else { return Ok(Vec::new()) };
        let wrong = || self.wrong(key, format!("`{key}` takes tables: [[{key}]]"));
        let DeValue::Array(items) = value.get_ref() else { return Err(wrong()) };
        let sections = items.iter().map(|item| {
            let DeValue::Table(table) = item.get_ref() else { return Err(wrong()) };
            self.file.check_keys(table, keys, what)?;
            Ok(Self { file: self.file, table, place: item.span() })
        });
        sections.collect()
    }

    /// Whether the key exists.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Returns a text, if the key exists.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the line.
    pub fn text(&self, key: &str) -> Result<Option<String>> {
        self.file.text_of(self.table, key)
    }

    /// Returns a text that must exist and not be empty.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the line.
    pub fn required(&self, key: &str) -> Result<String> {
        match self.text(key)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(self.wrong(key, format!("`{key}` is missing"))),
        }
    }

    /// Returns what a text means, if the key exists.
    ///
    /// # Errors
    /// Those of `parse`, with the line.
    pub fn parsed<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T>) -> Result<Option<T>> {
        let parse = |text: String| parse(&text).map_err(|error| self.about(key, &error));
        self.text(key)?.map(parse).transpose()
    }

    /// Returns a list of texts. A missing key is an empty list.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the line.
    pub fn texts(&self, key: &str) -> Result<Vec<String>> {
        let Some(value) = self.table.get(key) else { return Ok(Vec::new()) };
        let wrong = || self.wrong(key, format!("`{key}` takes a list of texts"));
        let DeValue::Array(items) = value.get_ref() else { return Err(wrong()) };
        let texts = items.iter().map(|item| match item.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            _ => Err(wrong()),
        });
        texts.collect()
    }

    /// Returns what the texts of a list mean.
    ///
    /// # Errors
    /// Those of `parse`, with the line.
    pub fn all_parsed<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T>) -> Result<Vec<T>> {
        let texts = self.texts(key)?;
        texts.iter().map(|text| parse(text).map_err(|error| self.about(key, &error))).collect()
    }

    /// Returns whether a switch is on.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the line.
    pub fn flag(&self, key: &str) -> Result<bool> {
        Ok(self.file.flag_of(self.table, key)?.unwrap_or(false))
    }

    /// Returns a duration, which is not zero, if the key exists.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the line.
    pub fn duration(&self, key: &str) -> Result<Option<Duration>> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let duration = parse_duration(&text).filter(|duration| !duration.is_zero());
        let why =
            || self.wrong(key, format!("`{key}` takes a duration, such as \"30s\" or \"8h\""));
        duration.ok_or_else(why).map(Some)
    }

    /// Returns a whole number in a range, if the key exists.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the line.
    pub fn number(&self, key: &str, range: RangeInclusive<usize>) -> Result<Option<usize>> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let number = match value.get_ref() {
            DeValue::Integer(number) => usize::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        let (least, most) = (range.start(), range.end());
        let why = || self.wrong(key, format!("`{key}` takes a number from {least} to {most}"));
        number.filter(|number| range.contains(number)).ok_or_else(why).map(Some)
    }

    /// Returns an error about a key, with its line, or with that of the table if it has no such key.
    pub fn wrong(&self, key: &str, why: impl std::fmt::Display) -> Error {
        let value = self.table.get(key).map(|value| value.span());
        self.file.wrong(value.unwrap_or_else(|| self.place.clone()), why)
    }

    /// Returns an error about a value.
    fn about(&self, key: &str, error: &Error) -> Error {
        let wrong = self.wrong(key, format!("`{key}`: {}", error.message()));
        match error.advice() {
            Some(hint) => wrong.hint(hint.to_owned()),
            None => wrong,
        }
    }
}
