use std::path::Path;
use std::time::Duration;

use keyward_core::{Error, LockMode, Result, Value};
use keyward_fs::PrivateDir;
use toml_edit::{DocumentMut, Item, Table};

use crate::setting_key::SettingKey;
use crate::toml_file::TomlFile;
use crate::toml_value::render_value;

/// How long to wait for another change.
const WAIT: Duration = Duration::from_secs(10);

/// Writes one setting into a configuration file, or removes it. Everything else in the file stays
/// as it is, including comments.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid) for a file that is not TOML; then nothing is
/// written.
pub fn set_value(path: &Path, key: &SettingKey, value: Option<&Value>) -> Result<()> {
    // If the configuration is a symbolic link, for example into a collection of dotfiles, it stays
    // one.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let unusable = || Error::invalid("config", format!("{} cannot be edited", path.display()));
    let (folder, file) = path.parent().zip(path.file_name()).ok_or_else(unusable)?;
    let folder = PrivateDir::create(folder)?;
    // Two simultaneous changes are made one after the other.
    let _lock = folder.lock("config", LockMode::Exclusive, WAIT)?;
    let text = match TomlFile::read(&path)? {
        Some(file) if file.parse()?.is_empty() => with_version(&file.text),
        Some(file) => file.text,
        None => with_version(""),
    };
    let edited = with_value(&text, key, value).ok_or_else(unusable)?;
    folder.replace(Path::new(file), edited.as_bytes())
}

/// Returns a text without settings, with the version after its comments.
fn with_version(comments: &str) -> String {
    let line_end = if comments.is_empty() || comments.ends_with('\n') { "" } else { "\n" };
    format!("{comments}{line_end}version = 1\n")
}

/// Returns the text of a configuration file with another value of one setting, or without the
/// setting; `None` if the file contains something else in the setting's place.
pub fn with_value(text: &str, key: &SettingKey, value: Option<&Value>) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let (last, tables) = key.parts().split_last()?;
    let mut table = document.as_table_mut();
    for part in tables {
        let mut implicit = Table::new();
        implicit.set_implicit(true);
        table = table.entry(part).or_insert(Item::Table(implicit)).as_table_mut()?;
    }
    match value {
        Some(value) => {
            let value: toml_edit::Value = render_value(value).parse().ok()?;
            match table.get_mut(last).and_then(Item::as_value_mut) {
                Some(old) => {
                    let decor = old.decor().clone();
                    *old = value;
                    *old.decor_mut() = decor;
                }
                None => drop(table.insert(last, Item::Value(value))),
            }
        }
        None => {
            table.remove(last);
            // An empty credential would hide the one of another layer.
            if table.is_empty() && key.is_of_credential() {
                return with_value(&document.to_string(), &key.parent(), None);
            }
        }
    }
    Some(document.to_string())
}
