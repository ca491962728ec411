use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use keyward_config::{
    Declaration, Layer, SettingKey, Settings, StoreFile, StoreName, is_variable_name, with_value,
};
use keyward_core::{Value, canonical};

/// A file that is read as a store's file is written as a file that describes the same store.
pub fn store_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let name = StoreName::new("work").expect("a name");
    let parse = |text: &str| StoreFile::parse(text, Path::new("work.toml"), &name, Layer::User);
    if let Ok(file) = parse(text) {
        let written = file.render();
        let again = parse(&written).unwrap_or_else(|error| panic!("{error}:\n{written}"));
        assert_eq!(again, file, "{written}");
    }
}

/// What a project declares can be shown and looked up, and no secret comes from the file unless it may.
pub fn project_file(bytes: &[u8]) {
    let Ok(found) = Declaration::parse(bytes.to_vec(), Path::new(".keyward.toml")) else { return };
    let mut variables = BTreeSet::new();
    for secret in &found.secrets {
        canonical("name", &secret.name, usize::MAX).expect("a name");
        assert!(secret.default.is_empty() || !secret.required, "{secret:?}");
        for (name, field) in &secret.variables {
            assert!(is_variable_name(name) && !name.starts_with("KEYWARD_"), "{name}");
            assert!(variables.insert(name), "{name} is set twice");
            assert_is_one_line(field.as_deref().unwrap_or_default());
        }
        let default = secret.default.iter();
        let texts = default.flat_map(|(field, value)| [field.as_deref(), Some(value.as_str())]);
        let texts = texts.chain([secret.kind.as_deref(), Some(&secret.description)]);
        texts.flatten().for_each(assert_is_one_line);
    }
}

fn assert_is_one_line(text: &str) {
    assert!(!text.contains(char::is_control), "{text:?}");
}

/// One setting of a configuration can be changed and removed, and no other setting changes.
pub fn settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(before) = Settings::parse(text, Path::new("config.toml"), Layer::User) else { return };
    let value = Value::Text("\"ann\"\n".into());
    for key in ["user", "defaults.storage", "backends.storage.file.root", "backends.key.'a.b'.c"] {
        let key = SettingKey::parse(key).expect("a setting");
        let Some(with) = with_value(text, &key, Some(&value)) else { continue };
        let mut expected = values(&before);
        expected.insert(key.clone(), value.clone());
        assert_eq!(read(&with), expected, "{with}");
        let without = with_value(&with, &key, None).expect("it was put there just now");
        expected.remove(&key);
        assert_eq!(read(&without), expected, "{without}");
    }
}

fn read(text: &str) -> BTreeMap<SettingKey, Value> {
    let settings = Settings::parse(text, Path::new("config.toml"), Layer::User);
    values(&settings.unwrap_or_else(|error| panic!("{error}:\n{text}")))
}

fn values(settings: &Settings) -> BTreeMap<SettingKey, Value> {
    settings.iter().map(|(key, setting)| (key.clone(), setting.value.clone())).collect()
}
