use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use keyward_core::{Error, OptionError, Result, Role, Value, Values};
use serde_spanned::Spanned;
use toml::de::DeValue;

use crate::environment::Environment;
use crate::layer::Layer;
use crate::setting_key::{
    KNOWN, KnownSetting, SettingKey, SettingTarget, no_setting, not_a_setting, texts,
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
pub struct Settings(BTreeMap<SettingKey, Vec<Setting>>);

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
        for (name, value) in table.iter().filter(|(name, _)| name.get_ref() != "version") {
            self.add_value(file, layer, SettingKey::new([&**name.get_ref()]), name.span(), value)?;
        }
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
        match (key.target(), value.get_ref()) {
            (Some(target), _) => {
                let value = read_value(file, &key, &target, value)?;
                let place = format!("{}:{}", file.path.display(), file.line(span));
                self.add(key, value, layer, place);
                Ok(())
            }
            (None, DeValue::Table(table)) if key.is_table() => {
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

    fn add(&mut self, key: SettingKey, value: Value, layer: Layer, place: String) {
        let values = self.0.entry(key).or_default();
        values.push(Setting { value, layer, place });
        values.sort_by_key(|setting| setting.layer);
    }

    /// Returns the value that applies, if there is one.
    pub fn get(&self, key: &SettingKey) -> Option<&Setting> {
        self.0.get(key)?.last()
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

    /// Returns all values of a setting, the one that applies first.
    pub fn explain(&self, key: &SettingKey) -> impl Iterator<Item = &Setting> {
        self.0.get(key).into_iter().flat_map(|values| values.iter().rev())
    }

    /// Returns every setting that has a value, with the value that applies.
    pub fn iter(&self) -> impl Iterator<Item = (&SettingKey, &Setting)> {
        self.0.iter().filter_map(|(key, values)| Some((key, values.last()?)))
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
                "c.toml:2: `resolve.sources` takes these words: environment, stores, git, prompt, datalad, pancloud, pancloud-1.2",
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
