use std::path::{Path, PathBuf};

use keyward_core::{
    Error, OptionError, OptionSpec, Result, Role, SecretRef, StoreId, Value, Values,
};
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};
use toml_edit::Key;

use crate::definition::{self, Definition};
use crate::layer::Layer;
use crate::name::StoreName;
use crate::toml_file::{TomlFile, nearest};
use crate::toml_value::{quoted, render_value, values_of};

/// A backend and its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendConfig {
    /// The backend's name.
    pub name: String,
    /// Its options, as the file has them.
    pub options: Values,
}

/// The file that describes a store. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFile {
    /// The name of the store.
    pub name: StoreName,
    /// The id of the store.
    pub id: StoreId,
    /// Whether it is a file of the system or of the user.
    pub layer: Layer,
    /// The path of this file.
    pub path: PathBuf,
    /// The user whose credentials are used by default, if the file names one.
    pub user: Option<String>,
    /// Whether it is a system store, in which each user of the machine has a separate place.
    pub per_user: bool,
    /// Whether blobs are in envelopes.
    pub envelope: bool,
    /// Whether records get the time when they were last given out.
    pub track_use: bool,
    /// Whether the store is being removed.
    pub deleting: bool,
    /// The backend that turns records into bytes.
    pub serializer: BackendConfig,
    /// The backend that turns bytes into blobs.
    pub encryption: BackendConfig,
    /// The key source that wraps the keyset, if the encryption needs one.
    pub key: Option<SecretRef>,
    /// The backend that keeps the blobs.
    pub storage: BackendConfig,
}

const TOP: &[&str] = &[
    "version",
    "id",
    "user",
    "per_user",
    "envelope",
    "track_use",
    "deleting",
    "serializer",
    "encryption",
    "storage",
];

impl Definition for StoreFile {
    type Name = StoreName;

    fn read(file: &TomlFile, name: &StoreName, layer: Layer) -> Result<Self> {
        let table = file.parse()?;
        file.check_version(&table)?;
        file.check_keys(&table, TOP, "a store's file")?;
        let id = file.text_of(&table, "id")?.and_then(|id| StoreId::parse(&id));
        let mut encryption = backend_config(file, &table, Role::Encryption)?;
        let storage = backend_config(file, &table, Role::Storage)?;
        let key = match encryption.options.remove("key") {
            None => None,
            Some(Value::Secret(reference)) => Some(reference),
            Some(_) => return Err(file.wrong(0..0, "`key` takes a key source: { from = \"…\" }")),
        };
        Ok(Self {
            name: name.clone(),
            id: id.ok_or_else(|| {
                file.wrong(0..0, "`id` is missing or is not 32 hexadecimal digits")
            })?,
            layer,
            path: file.path.clone(),
            user: file.text_of(&table, "user")?,
            per_user: per_user(file, &table, layer, &storage)?,
            envelope: file.flag_of(&table, "envelope")?.unwrap_or(true),
            track_use: file.flag_of(&table, "track_use")?.unwrap_or(false),
            deleting: file.flag_of(&table, "deleting")?.unwrap_or(false),
            serializer: backend_config(file, &table, Role::Serializer)?,
            encryption,
            key,
            storage,
        })
    }
}

impl StoreFile {
    /// Reads the text of this store's file; `path` is the path of the file.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with file and line, if it does not describe a
    /// store.
    pub fn parse(text: &str, path: &Path, name: &StoreName, layer: Layer) -> Result<Self> {
        Self::read(&TomlFile::from_text(path, text), name, layer)
    }

    /// Returns the error for a wrong option of one of the store's backends, with the line of the
    /// option.
    pub fn locate(&self, role: Role, wrong: OptionError, table: &[OptionSpec]) -> Error {
        // The file is read a second time only if there is an error.
        let Ok(Some(file)) = TomlFile::read(&self.path) else { return wrong.into() };
        let error = file.wrong(place_of(&file, role, &wrong.key).unwrap_or_default(), &wrong.why);
        let is_known = table.iter().any(|spec| spec.name == wrong.key);
        let similar = || nearest(&wrong.key, table.iter().map(|spec| spec.name));
        match if is_known { wrong.hint } else { similar().or(wrong.hint) } {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    /// Returns the text of the file, which [`parse`](Self::parse) reads as the same store.
    pub fn render(&self) -> String {
        let mut text = format!("version = 1\nid = \"{}\"\n", self.id);
        if let Some(user) = &self.user {
            text += &format!("user = {}\n", quoted(user));
        }
        if self.per_user {
            text += "per_user = true\n";
        }
        if !self.envelope {
            text += "envelope = false\n";
        }
        if self.track_use {
            text += "track_use = true\n";
        }
        if self.deleting {
            text += "deleting = true\n";
        }
        for (role, used) in [
            (Role::Serializer, &self.serializer),
            (Role::Encryption, &self.encryption),
            (Role::Storage, &self.storage),
        ] {
            text += &format!("\n[{role}]\nuse = {}\n", quoted(&used.name));
            if let (Role::Encryption, Some(key)) = (role, &self.key) {
                text += &format!("key = {}\n", render_value(&Value::Secret(key.clone())));
            }
            for (name, value) in used.options.iter() {
                text += &format!("{} = {}\n", Key::new(name), render_value(value));
            }
        }
        text
    }

    /// Writes the file, unless there is one.
    ///
    /// # Errors
    /// [`Exists`](keyward_core::ErrorKind::Exists) if there is one.
    pub(crate) fn create(&self) -> Result<()> {
        definition::create(&self.path, self.layer, &self.render())
    }

    /// Replaces the file.
    pub(crate) fn replace(&self) -> Result<()> {
        definition::replace(&self.path, self.layer, &self.render())
    }
}

/// Returns the position of a backend's option in a store's file.
fn place_of(file: &TomlFile, role: Role, option: &str) -> Option<std::ops::Range<usize>> {
    let document = file.parse().ok()?;
    let section = match role {
        Role::Key => document.get("encryption")?.get_ref().as_table()?.get("key")?,
        _ => document.get(role.name())?,
    };
    let (name, _) = section.get_ref().as_table()?.get_key_value(option)?;
    Some(name.span())
}

fn backend_config(file: &TomlFile, table: &DeTable<'_>, role: Role) -> Result<BackendConfig> {
    let missing = || {
        file.wrong(
            0..0,
            format!("the section [{role}] is missing, or has no `use` with the name of a backend"),
        )
    };
    let section = table.get(role.name()).ok_or_else(missing)?;
    let DeValue::Table(section) = section.get_ref() else { return Err(missing()) };
    let mut options = values_of(file, section)?;
    match options.remove("use") {
        Some(Value::Text(name)) => Ok(BackendConfig { name, options }),
        _ => Err(missing()),
    }
}

/// Reads `per_user`. In files of earlier versions, which do not have the key, a path with `%uid%`
/// means the same.
fn per_user(
    file: &TomlFile,
    table: &DeTable<'_>,
    layer: Layer,
    storage: &BackendConfig,
) -> Result<bool> {
    if let Some(per_user) = file.flag_of(table, "per_user")? {
        return match per_user && layer != Layer::System {
            true => {
                let span = table.get("per_user").map(Spanned::span).unwrap_or_default();
                Err(file.wrong(span, "`per_user` can only be used in system stores"))
            }
            false => Ok(per_user),
        };
    }
    let has_uid = |value: &Value| matches!(value, Value::Text(text) if text.contains("%uid%"));
    Ok(layer == Layer::System && storage.options.iter().any(|(_, value)| has_uid(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_written_as_they_are_read() {
        let text = r#"version = 1
id = "00000000000000000000000000000001"
track_use = true
serializer = { use = "json" }
encryption = { use = "age", "" = ["a\nb"], identity = { from = "env", "a.b" = "x" } }
storage = { use = "file", "a = 1\nuse" = true }
"#;
        let name = StoreName::new("work").unwrap();
        let parse = |text: &str| StoreFile::parse(text, Path::new("x"), &name, Layer::User);
        let file = parse(text).unwrap();
        assert!(file.track_use);
        assert_eq!(parse(&file.render()).unwrap(), file);
    }

    const SYSTEM: &str = "version = 1\nid = \"00000000000000000000000000000001\"\nper_user = true\n[serializer]\nuse = \"json\"\n[encryption]\nuse = \"clear\"\n[storage]\nuse = \"file\"\nroot = \"/srv/%uid%\"\n";

    #[test]
    fn a_system_store_has_a_place_for_each_user() {
        let name = StoreName::new("s").unwrap();
        let parse = |text: &str, layer| StoreFile::parse(text, Path::new("s.toml"), &name, layer);
        let store = parse(SYSTEM, Layer::System).unwrap();
        assert!(store.per_user);
        assert_eq!(parse(&store.render(), Layer::System).unwrap(), store);
        let error = parse(SYSTEM, Layer::User).unwrap_err();
        assert!(error.message().starts_with("s.toml:3: `per_user`"), "{error}");
        // Earlier versions did not write the key.
        let earlier = SYSTEM.replace("per_user = true\n", "");
        assert!(parse(&earlier, Layer::System).unwrap().per_user);
        assert!(!parse(&earlier, Layer::User).unwrap().per_user);
        let shared = earlier.replace("%uid%", "all");
        assert!(!parse(&shared, Layer::System).unwrap().per_user);
    }

    #[test]
    fn a_wrong_option_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.toml");
        let text = SYSTEM.replace("root", "rot");
        let private = keyward_fs::PrivateDir::create(folder.path()).unwrap();
        private.replace(Path::new("s.toml"), text.as_bytes()).unwrap();
        let name = StoreName::new("s").unwrap();
        let store = StoreFile::parse(&text, &path, &name, Layer::System).unwrap();
        let root = OptionSpec::new("root", keyward_core::OptionType::Path, "").required(true);
        let wrong = store.storage.options.clone().complete(&[root]).unwrap_err();
        let error = store.locate(Role::Storage, wrong, &[root]);
        let place = format!("{}:10: ", path.display());
        assert_eq!(error.message(), place + "`rot` is not an option here");
        assert_eq!(error.advice(), Some("Did you mean `root`?"));
    }
}
