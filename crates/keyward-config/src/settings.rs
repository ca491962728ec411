use std::collections::BTreeMap;
use std::path::Path;

use keyward_core::{Error, OptionError, Result, Role, Value, Values};
use toml::de::{DeTable, DeValue};

use crate::environment::Environment;
use crate::layer::Layer;
use crate::toml_file::{TomlFile, nearest};
use crate::toml_value::value_of;

/// The settings that do not belong to a backend: name, what it does, the variable that sets it.
const KNOWN: &[(&str, &str, Option<&str>)] = &[
    ("user", "The user whose credentials are used by default", Some("KEYWARD_USER")),
    ("store_path", "The folder of the files that describe stores", Some("KEYWARD_STORE_PATH")),
    ("defaults.serializer", "The serializer of new stores", Some("KEYWARD_DEFAULTS_SERIALIZER")),
    ("defaults.encryption", "The encryption of new stores", Some("KEYWARD_DEFAULTS_ENCRYPTION")),
    ("defaults.storage", "The storage of new stores", Some("KEYWARD_DEFAULTS_STORAGE")),
    (
        "defaults.key",
        "The key source of new stores: the first of these comma-separated names that works",
        Some("KEYWARD_DEFAULTS_KEY"),
    ),
];

/// The built-in values.
const BUILT_IN: &[(&str, &str)] = &[
    ("defaults.serializer", "cbor"),
    ("defaults.encryption", "aes-gcm"),
    ("defaults.storage", "file"),
    ("defaults.key", "keyring,file"),
];

/// A value of a setting, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// The layer that it comes from.
    pub layer: Layer,
    /// The file and line, or the variable.
    pub place: String,
}

/// All settings of all layers.
///
/// Keys are dotted: `defaults.storage`, or `backends.storage.sqlite.path` for the default of a
/// backend's option in new stores.
#[derive(Clone, Debug, Default)]
pub struct Settings(BTreeMap<String, Vec<Setting>>);

impl Settings {
    /// Returns the settings that are built in or in the environment. [`add_file`](Self::add_file)
    /// adds those of files.
    ///
    /// # Errors
    /// `Invalid` for a variable that is not UTF-8.
    pub(crate) fn new(environment: &Environment) -> Result<Self> {
        let mut settings = Self::default();
        for (key, value) in BUILT_IN {
            settings.add(
                (*key).to_owned(),
                Value::Text((*value).into()),
                Layer::BuiltIn,
                "keyward".into(),
            );
        }
        for (key, _, variable) in KNOWN {
            let Some(variable) = variable else { continue };
            if let Some(value) = environment.text(variable)? {
                settings.add(
                    (*key).to_owned(),
                    Value::Text(value),
                    Layer::Environment,
                    (*variable).into(),
                );
            }
        }
        Ok(settings)
    }

    /// Reads the settings in the text of a file; `path` is the path of the file. Built-in values
    /// are not included.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with file and line, for text that is not TOML
    /// and for an unknown key.
    pub fn parse(text: &str, path: &Path, layer: Layer) -> Result<Self> {
        let mut settings = Self::default();
        let file = TomlFile { path: path.to_owned(), text: text.to_owned() };
        settings.add_file(&file, layer)?;
        Ok(settings)
    }

    /// Adds the settings of a file.
    ///
    /// # Errors
    /// `Invalid` for an unknown key, with the line and a suggestion.
    pub(crate) fn add_file(&mut self, file: &TomlFile, layer: Layer) -> Result<()> {
        let table = file.parse()?;
        // A file that is empty or contains only comments needs no version yet.
        if table.is_empty() {
            return Ok(());
        }
        file.check_version(&table)?;
        self.add_table(file, layer, &table, "")
    }

    fn add_table(
        &mut self,
        file: &TomlFile,
        layer: Layer,
        table: &DeTable<'_>,
        above: &str,
    ) -> Result<()> {
        for (name, value) in table {
            let key = if above.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{above}.{}", name.get_ref())
            };
            if key == "version" {
                continue;
            }
            let is_group = key == "defaults"
                || key.split('.').count() < 4 && key.split('.').next() == Some("backends");
            match value.get_ref() {
                DeValue::Table(inner) if is_group => self.add_table(file, layer, inner, &key)?,
                DeValue::Array(_) | DeValue::Integer(_) | DeValue::Boolean(_)
                    if KNOWN.iter().any(|(known, ..)| *known == key) =>
                {
                    return Err(file.wrong(value.span(), format!("`{key}` takes text")));
                }
                _ if is_known(&key) => {
                    let place = format!("{}:{}", file.path.display(), file.line(value.span()));
                    self.add(key, value_of(file, value)?, layer, place);
                }
                _ => {
                    let error = file
                        .wrong(name.span(), format!("`{}` is not a setting", key.escape_debug()));
                    return Err(hinted(error, &key));
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, key: String, value: Value, layer: Layer, place: String) {
        let values = self.0.entry(key).or_default();
        values.push(Setting { value, layer, place });
        values.sort_by_key(|setting| setting.layer);
    }

    /// Returns the value that applies, if there is one.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.0.get(key)?.last()
    }

    /// Returns the text that applies, if there is one.
    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns all values of a setting, the one that applies first.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there is no such setting.
    pub fn explain(&self, key: &str) -> Result<impl Iterator<Item = &Setting>> {
        check_key(key)?;
        Ok(self.0.get(key).into_iter().flat_map(|values| values.iter().rev()))
    }

    /// Returns every setting that has a value, with the value that applies.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.0.iter().filter_map(|(key, values)| Some((key.as_str(), values.last()?)))
    }

    /// Returns the default options of a backend in new stores, which are not checked.
    pub fn backend_defaults(&self, role: Role, name: &str) -> Values {
        let prefix = format!("backends.{role}.{name}.");
        let mut values = Values::new();
        for (key, setting) in self.iter() {
            if let Some(option) = key.strip_prefix(&prefix) {
                values.insert(option, setting.value.clone());
            }
        }
        values
    }

    /// Returns the error for a wrong option of a backend in a new store, with the place of the
    /// setting that has its value, if there is one.
    pub fn locate(&self, role: Role, name: &str, wrong: OptionError) -> Error {
        let place = self.get(&format!("backends.{role}.{name}.{}", wrong.key));
        let place = place.map(|setting| format!("{}: ", setting.place)).unwrap_or_default();
        OptionError { why: format!("{place}{}", wrong.why), ..wrong }.into()
    }

    /// Returns the settings that do not belong to a backend, each with what it does.
    pub fn known() -> impl Iterator<Item = (&'static str, &'static str, Option<&'static str>)> {
        KNOWN.iter().copied()
    }
}

fn is_known(key: &str) -> bool {
    let parts: Vec<_> = key.split('.').collect();
    match parts[..] {
        ["backends", role, _, _] => Role::from_name(role).is_some(),
        _ => KNOWN.iter().any(|(known, ..)| *known == key),
    }
}

/// Returns an error for an unknown key.
///
/// # Errors
/// `Invalid`, with the most similar key.
pub(crate) fn check_key(key: &str) -> Result<()> {
    if is_known(key) {
        return Ok(());
    }
    let error = Error::invalid("config", format!("`{}` is not a setting", key.escape_debug()));
    Err(hinted(error, key))
}

fn hinted(error: Error, key: &str) -> Error {
    match nearest(key, KNOWN.iter().map(|(known, ..)| *known)) {
        Some(hint) => error.hint(hint),
        None => error.hint("`keyward config show` lists the settings"),
    }
}
