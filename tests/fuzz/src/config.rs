use std::collections::BTreeMap;
use std::path::Path;

use keyward_config::{Layer, SettingKey, Settings, StoreFile, StoreName, with_value};
use keyward_core::Value;

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
