use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use keyward_core::{Error, OptionError, Result, Role, Value, Values};
use serde_spanned::Spanned;
use toml::de::DeValue;

use crate::environment::Environment;
use crate::layer::Layer;
use crate::setting_key::{
    CREDENTIALS, FIELD_VALUES, KNOWN, KnownSetting, SettingKey, SettingTarget, no_setting,
    not_a_setting, texts,
};
use crate::toml_file::TomlFile;
use crate::toml_value::value_of;

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
#[derive(Clone, Debug, Default)]
pub struct Settings {
    values: BTreeMap<SettingKey, Vec<Setting>>,
    /// The layers that have the table of a profile or a credential, the nearest one last.
    tables: BTreeMap<(String, String), BTreeSet<Layer>>,
}

impl Settings {
    /// Returns the settings that are built in or in the environment. [`add_file`](Self::add_file)
    /// adds those of files.
    ///
    /// # Errors
    /// `Invalid` for a variable that is not UTF-8.
    pub(crate) fn new(environment: &Environment) -> Result<Self> {
        let mut settings = Self::default();
        for known in KNOWN {
            let mut add = |value, layer, place: &str| {
                settings.add(key_of(known.key), value, layer, place.to_owned());
            };
            if let Some(default) = known.default {
                add(known.parse(default)?, Layer::BuiltIn, "keyward");
            }
            let Some(variable) = known.variable else { continue };
            if let Some(text) = environment.text(variable)? {
                let value = known.parse(&text).map_err(|_| known.wrong(variable))?;
                add(value, Layer::Environment, variable);
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
        let file = TomlFile::from_text(path, text);
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
        for (name, value) in table.iter().filter(|(name, _)| name.get_ref() != "version") {
            self.add_value(file, layer, SettingKey::new([&**name.get_ref()]), name.span(), value)?;
        }
        Ok(())
    }

    /// Returns the same with another value of the setting in the user's configuration.
    #[must_use]
    pub fn with(mut self, key: SettingKey, value: Value, place: &str) -> Self {
        self.values.entry(key.clone()).or_default().retain(|setting| setting.layer != Layer::User);
        self.add(key, value, Layer::User, place.to_owned());
        self
    }

    /// Selects a profile for this process. This comes before all other layers.
    ///
    /// # Errors
    /// Those of [`profile`](Self::profile).
    pub(crate) fn select_profile(&mut self, name: &str) -> Result<()> {
        self.profile(name)?;
        let value = Value::Text(name.to_owned());
        self.add(key_of("profile"), value, Layer::Flag, "--profile".into());
        Ok(())
    }

    /// Adds the setting of this key, or those in the table of this key.
    fn add_value(
        &mut self,
        file: &TomlFile,
        layer: Layer,
        key: SettingKey,
        span: Range<usize>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<()> {
        key.check_name().map_err(|error| file.wrong(span.clone(), error.message()))?;
        match (key.target(), value.get_ref()) {
            (Some(target), _) => {
                let value = read_value(file, &key, &target, value)?;
                let place = format!("{}:{}", file.path.display(), file.line(span));
                self.add(key, value, layer, place);
                Ok(())
            }
            (None, DeValue::Table(table)) if key.is_table() => {
                self.add_table(&key, layer);
                table.iter().try_for_each(|(name, value)| {
                    self.add_value(file, layer, key.child(name.get_ref()), name.span(), value)
                })
            }
            (None, _) => {
                let key = key.to_string();
                Err(not_a_setting(&key, file.wrong(span, no_setting(&key))))
            }
        }
    }

    /// Notes that a layer has the table of this key, if it is that of a profile or a credential.
    fn add_table(&mut self, key: &SettingKey, layer: Layer) {
        if key.is_named_table() {
            let name = (key.parts()[0].clone(), key.parts()[1].clone());
            self.tables.entry(name).or_default().insert(layer);
        }
    }

    /// Returns the names of the profiles or the credentials, sorted.
    pub(crate) fn tables<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        let tables = self.tables.keys().filter(move |(of, _)| of == kind);
        tables.map(|(_, name)| name.as_str())
    }

    /// Iterates over the values in the table of a profile or a credential, by their names in it.
    pub(crate) fn in_table(
        &self,
        kind: &str,
        name: &str,
    ) -> impl Iterator<Item = (&str, &Setting)> {
        let table = SettingKey::new([kind, name]);
        let from = self.values.range(table.clone()..);
        let inside = from.take_while(move |(key, _)| key.parent() == table);
        inside.filter_map(|(key, _)| Some((key.parts().last()?.as_str(), self.get(key)?)))
    }

    /// Returns the layers that have a profile or a credential of this name, the nearest one last.
    pub(crate) fn layers(&self, kind: &str, name: &str) -> Option<&BTreeSet<Layer>> {
        self.tables.get(&(kind.to_owned(), name.to_owned()))
    }

    fn add(&mut self, key: SettingKey, value: Value, layer: Layer, place: String) {
        self.add_table(&key.parent(), layer);
        let values = self.values.entry(key).or_default();
        values.push(Setting { value, layer, place });
        values.sort_by_key(|setting| setting.layer);
    }

    /// Returns the value that applies, if there is one.
    ///
    /// A credential is in one layer as a whole: what another layer says about it does not apply.
    pub fn get(&self, key: &SettingKey) -> Option<&Setting> {
        let setting = self.values.get(key)?.last()?;
        let applies = match key.target() {
            Some(SettingTarget::Credential { name, .. }) => {
                self.layers(CREDENTIALS, name)?.last() == Some(&setting.layer)
            }
            _ => true,
        };
        applies.then_some(setting)
    }

    /// Returns the text of a setting of Keyward, if it has a value.
    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.get(&key_of(key))?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the texts of a setting of Keyward that is a list, or one text with commas.
    pub fn texts(&self, key: &str) -> Vec<&str> {
        self.get(&key_of(key)).map(|setting| texts(&setting.value)).unwrap_or_default()
    }

    /// Returns the number of a setting of Keyward, if it has a value.
    pub fn number(&self, key: &str) -> Option<u64> {
        match self.get(&key_of(key))?.value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Whether a setting of Keyward is true.
    pub fn flag(&self, key: &str) -> bool {
        self.get(&key_of(key)).is_some_and(|setting| setting.value == Value::Flag(true))
    }

    /// Returns all values of a setting, that of the nearest layer first.
    pub fn explain(&self, key: &SettingKey) -> impl Iterator<Item = &Setting> {
        self.values.get(key).into_iter().flat_map(|values| values.iter().rev())
    }

    /// Returns every setting that has a value, with the value that applies.
    pub fn iter(&self) -> impl Iterator<Item = (&SettingKey, &Setting)> {
        self.values.keys().filter_map(|key| Some((key, self.get(key)?)))
    }

    /// Returns the default options of a backend in new stores, which are not checked.
    pub fn backend_defaults(&self, role: Role, name: &str) -> Values {
        let mut values = Values::new();
        for (key, setting) in self.iter() {
            if let Some(SettingTarget::Option { role: of, backend, option }) = key.target()
                && (of, backend) == (role, name)
            {
                values.insert(option, setting.value.clone());
            }
        }
        values
    }

    /// Returns the error for a wrong option of a backend in a new store, with the place of the
    /// setting that has its value, if there is one.
    pub fn locate(&self, role: Role, name: &str, wrong: OptionError) -> Error {
        let key = SettingKey::new(["backends", role.name(), name, &wrong.key]);
        let place = self.get(&key).map(|setting| format!("{}: ", setting.place));
        OptionError { why: place.unwrap_or_default() + &wrong.why, ..wrong }.into()
    }

    /// Returns the settings that do not belong to a backend.
    pub fn known() -> &'static [KnownSetting] {
        KNOWN
    }
}

/// Returns the key of a setting of Keyward. None of its parts contains a dot.
fn key_of(known: &str) -> SettingKey {
    SettingKey::new(known.split('.'))
}

fn read_value(
    file: &TomlFile,
    key: &SettingKey,
    target: &SettingTarget<'_>,
    value: &Spanned<DeValue<'_>>,
) -> Result<Value> {
    let wrong = |wanted: &str| file.wrong(value.span(), format!("`{key}` takes {wanted}"));
    let read = value_of(file, value);
    match target {
        SettingTarget::Option { .. } => read,
        SettingTarget::Known(known) => match read {
            Ok(value) if known.accepts(&value) => Ok(value),
            _ => Err(wrong(&known.wanted())),
        },
        SettingTarget::Profile { key, .. } => match read {
            Ok(value) if key.accepts(&value) => Ok(value),
            _ => Err(wrong(&key.wanted())),
        },
        SettingTarget::Credential { .. } => match read {
            Ok(value @ Value::Text(_)) => Ok(value),
            Ok(value @ Value::Secret(_)) if !key.is_kind() => Ok(value),
            _ if key.is_kind() => Err(wrong("text")),
            _ => Err(wrong(FIELD_VALUES)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings> {
        Settings::parse(text, Path::new("c.toml"), Layer::User)
    }

    #[test]
    fn a_list_is_an_array_or_one_text() {
        for text in ["\"keyring, file\"", "['keyring', 'file']"] {
            let settings = parse(&format!("version = 1\n[defaults]\nkey = {text}\n")).unwrap();
            assert_eq!(settings.texts("defaults.key"), ["keyring", "file"], "{text}");
        }
    }

    #[test]
    fn a_backends_name_may_contain_dots() {
        let text = "version = 1\n[backends.storage.\"a.b\"]\nlist = ['x']\n";
        let settings = parse(text).unwrap();
        let values = settings.backend_defaults(Role::Storage, "a.b");
        assert_eq!(values.get("list"), Some(&Value::List(vec!["x".into()])));
        let keys: Vec<_> = settings.iter().map(|(key, _)| key.to_string()).collect();
        assert_eq!(keys, ["backends.storage.\"a.b\".list"]);
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named_with_its_line() {
        for (text, why) in [
            ("user = 3", "c.toml:2: `user` takes text"),
            ("user = ['ann']", "c.toml:2: `user` takes text"),
            ("user = { from = 'env' }", "c.toml:2: `user` takes text"),
            ("defaults.key = [3]", "c.toml:2: `defaults.key` takes a list of texts"),
            (
                "resolve.sources = ['nope']",
                "c.toml:2: `resolve.sources` takes these words: environment, configuration, stores, git, prompt, datalad, pancloud, pancloud-1.2",
            ),
            ("clip.seconds = '3'", "c.toml:2: `clip.seconds` takes a whole number"),
            ("clip.seconds = -3", "c.toml:2: `clip.seconds` takes a whole number"),
            ("defaults = 3", "c.toml:2: `defaults` is not a setting"),
            ("defaults.user = 'x'", "c.toml:2: `defaults.user` is not a setting"),
            ("backends.storage.file = 3", "c.toml:2: `backends.storage.file` is not a setting"),
            ("backends.nope.a.b = 3", "c.toml:2: `backends.nope.a.b` is not a setting"),
        ] {
            let error = parse(&format!("version = 1\n{text}\n")).unwrap_err();
            assert_eq!(error.message(), why, "{text}");
        }
    }
}
