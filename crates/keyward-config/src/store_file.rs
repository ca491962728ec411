use std::path::{Path, PathBuf};

use keyward_core::{Error, OptionSpec, Result, Role, SecretRef, StoreId, Value, Values};
use toml::de::{DeTable, DeValue};
use toml_edit::Key;

use crate::description;
use crate::layer::Layer;
use crate::name::StoreName;
use crate::toml_file::{TomlFile, nearest};
use crate::toml_value::{quoted, render_value, values_of};

/// A backend and its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
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
    /// Whether blobs are in envelopes.
    pub envelope: bool,
    /// Whether the store is being removed.
    pub deleting: bool,
    /// The backend that turns records into bytes.
    pub serializer: Use,
    /// The backend that turns bytes into blobs.
    pub encryption: Use,
    /// The key source that wraps the keyset, if the encryption needs one.
    pub key: Option<SecretRef>,
    /// The backend that keeps the blobs.
    pub storage: Use,
}

const TOP: &[&str] =
    &["version", "id", "user", "envelope", "deleting", "serializer", "encryption", "storage"];

impl StoreFile {
    /// Reads the file of this store in `folder`, if it exists.
    pub(crate) fn read(folder: &Path, name: &StoreName, layer: Layer) -> Result<Option<Self>> {
        let Some(file) = TomlFile::read(&folder.join(name.file_name()))? else { return Ok(None) };
        Self::of(&file, name, layer).map(Some)
    }

    /// Reads the text of this store's file; `path` is the path of the file.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with file and line, if it does not describe a
    /// store.
    pub fn parse(text: &str, path: &Path, name: &StoreName, layer: Layer) -> Result<Self> {
        Self::of(&TomlFile { path: path.to_owned(), text: text.to_owned() }, name, layer)
    }

    fn of(file: &TomlFile, name: &StoreName, layer: Layer) -> Result<Self> {
        let table = file.parse()?;
        file.check_version(&table)?;
        file.check_keys(&table, TOP, "a store's file")?;
        let id = file.text_of(&table, "id")?.and_then(|id| StoreId::parse(&id));
        let mut encryption = used(file, &table, Role::Encryption)?;
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
            envelope: flag(file, &table, "envelope")?.unwrap_or(true),
            deleting: flag(file, &table, "deleting")?.unwrap_or(false),
            serializer: used(file, &table, Role::Serializer)?,
            encryption,
            key,
            storage: used(file, &table, Role::Storage)?,
        })
    }

    /// Whether the store keeps each user of the machine in a separate folder.
    pub fn is_central(&self) -> bool {
        let by_uid = |value: &Value| matches!(value, Value::Text(text) if text.contains("%uid%"));
        self.layer == Layer::System && self.storage.options.iter().any(|(_, value)| by_uid(value))
    }

    /// Returns an error for an option that the backend does not have, with the line of the option.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with file, line and a suggestion.
    pub fn check_options(&self, role: Role, options: &Values, table: &[OptionSpec]) -> Result<()> {
        let known = |name: &str| table.iter().any(|spec| spec.name == name);
        let Some((unknown, _)) = options.iter().find(|(name, _)| !known(name)) else {
            return Ok(());
        };
        let why = format!("`{}` is not an option of this {role}", unknown.escape_debug());
        // The file is read a second time only if there is an error.
        let error = match TomlFile::read(&self.path)? {
            Some(file) => file.wrong(place_of(&file, role, unknown).unwrap_or_default(), why),
            None => Error::invalid("options", why),
        };
        let names: Vec<_> = table.iter().map(|spec| spec.name).collect();
        Err(match nearest(unknown, names.iter().copied()) {
            Some(hint) => error.hint(hint),
            None if names.is_empty() => error.hint("This backend has no options"),
            None => error.hint(format!("The options are: {}", names.join(", "))),
        })
    }

    /// Returns the text of the file, which [`parse`](Self::parse) reads as the same store.
    pub fn render(&self) -> String {
        let mut text = format!("version = 1\nid = \"{}\"\n", self.id);
        if let Some(user) = &self.user {
            text += &format!("user = {}\n", quoted(user));
        }
        if !self.envelope {
            text += "envelope = false\n";
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
        description::create(&self.path, self.layer, &self.render())
    }

    /// Replaces the file.
    pub(crate) fn replace(&self) -> Result<()> {
        description::replace(&self.path, self.layer, &self.render())
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

fn used(file: &TomlFile, table: &DeTable<'_>, role: Role) -> Result<Use> {
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
        Some(Value::Text(name)) => Ok(Use { name, options }),
        _ => Err(missing()),
    }
}

fn flag(file: &TomlFile, table: &DeTable<'_>, key: &str) -> Result<Option<bool>> {
    match table.get(key).map(|value| (value, value.get_ref())) {
        None => Ok(None),
        Some((_, DeValue::Boolean(flag))) => Ok(Some(*flag)),
        Some((value, _)) => Err(file.wrong(value.span(), format!("`{key}` takes true or false"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_written_as_they_are_read() {
        let text = r#"version = 1
id = "00000000000000000000000000000001"
serializer = { use = "json" }
encryption = { use = "age", "" = ["a\nb"], identity = { from = "env", "a.b" = "x" } }
storage = { use = "file", "a = 1\nuse" = true }
"#;
        let name = StoreName::new("work").unwrap();
        let parse = |text: &str| StoreFile::parse(text, Path::new("x"), &name, Layer::User);
        let file = parse(text).unwrap();
        assert_eq!(parse(&file.render()).unwrap(), file);
    }
}
