use std::path::PathBuf;

use keyward_core::{Error, Result, canonical, escape};

use crate::config::Config;
use crate::definition::{self, DefinitionFolder, DefinitionName, EscapedName};
use crate::layer::Layer;
use crate::toml_file::TomlFile;

/// The text of a file of the configuration that another crate reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The text.
    pub text: String,
    /// The path of the file, for messages.
    pub from: String,
}

impl Config {
    /// Returns the file for `name` in this folder of the configuration of the system or of the user,
    /// if there is one.
    ///
    /// # Errors
    /// [`Refused`](keyward_core::ErrorKind::Refused) for a file or a folder that other users can
    /// write; [`Invalid`](keyward_core::ErrorKind::Invalid) if both layers have one.
    pub fn table(&self, folder: &str, name: &str) -> Result<Option<Table>> {
        let mut found = None;
        for folder in self.definition_folders(folder) {
            if !folder.check()? {
                continue;
            }
            let path = folder.path.join(format!("{}.toml", escape(name)));
            let Some(file) = TomlFile::read(&path)? else { continue };
            let from = file.path.display().to_string();
            if let Some(Table { from: other, .. }) = found {
                return Err(Error::invalid("config", format!("{from} and {other} have one name"))
                    .hint("Remove one of the files"));
            }
            found = Some(Table { text: file.text, from });
        }
        Ok(found)
    }
}

/// One of the files of a folder of the configuration.
#[derive(Debug)]
pub struct NamedTable {
    /// Its name, without the extension.
    pub name: String,
    /// Whether it is in the configuration of the system.
    pub is_system: bool,
    /// Its text, or why it cannot be used.
    pub table: Result<Table>,
}

impl Config {
    /// Returns all files in this folder of the configuration of the system and of the user. What is
    /// wrong with one of them does not hide the others.
    ///
    /// # Errors
    /// [`Refused`](keyward_core::ErrorKind::Refused) for a folder that other users can write; those
    /// of reading it.
    pub fn tables(&self, folder: &str) -> Result<Vec<NamedTable>> {
        let mut tables = Vec::new();
        for folder in self.definition_folders(folder) {
            for name in folder.names::<EscapedName>()? {
                let path = folder.path.join(name.file_name());
                let table = TomlFile::read(&path).map(|file| {
                    file.map(|file| Table {
                        from: file.path.display().to_string(),
                        text: file.text,
                    })
                });
                let is_system = folder.layer == Layer::System;
                // A file that was removed meanwhile is no file.
                let table = table.transpose();
                tables.extend(table.map(|table| NamedTable { name: name.0, is_system, table }));
            }
        }
        Ok(tables)
    }
}

/// The longest name of a file that is written, in bytes.
const MAX_NAME: usize = 64;

/// Files that commands write. A name never leads out of its folder: see [`escape`].
impl Config {
    /// Returns the path of the file for `name`, which may not exist.
    pub fn table_path(&self, folder: &str, name: &str, layer: Layer) -> PathBuf {
        self.table_folder(folder, layer).file(&EscapedName(name.to_owned()))
    }

    /// Returns the file for `name` in the configuration of this layer, if there is one.
    ///
    /// # Errors
    /// [`Refused`](keyward_core::ErrorKind::Refused) for a file or a folder that other users can
    /// write.
    pub fn table_in(&self, folder: &str, name: &str, layer: Layer) -> Result<Option<Table>> {
        let folder = self.table_folder(folder, layer);
        if !folder.check()? {
            return Ok(None);
        }
        let file = TomlFile::read(&folder.file(&EscapedName(name.to_owned())))?;
        Ok(file.map(|file| Table { from: file.path.display().to_string(), text: file.text }))
    }

    /// Writes a new file.
    ///
    /// # Errors
    /// [`Exists`](keyward_core::ErrorKind::Exists) if there is one;
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) for a name that is not canonical or longer than
    /// 64 bytes.
    pub fn add_table(&self, folder: &str, name: &str, layer: Layer, text: &str) -> Result<()> {
        canonical("name", name, MAX_NAME)?;
        self.check_owner(layer)?;
        definition::create(&self.table_path(folder, name, layer), layer, text)
    }

    /// Makes a file of the system readable for all users, after it was written in another way.
    ///
    /// # Errors
    /// Those of changing its mode.
    pub fn publish_table(&self, folder: &str, name: &str, layer: Layer) -> Result<()> {
        definition::publish(&self.table_path(folder, name, layer), layer)
    }

    /// Removes a file, and returns whether there was one.
    ///
    /// # Errors
    /// Those of removing it.
    pub fn remove_table(&self, folder: &str, name: &str, layer: Layer) -> Result<bool> {
        self.check_owner(layer)?;
        self.table_folder(folder, layer).remove(&EscapedName(name.to_owned()))
    }

    fn table_folder(&self, folder: &str, layer: Layer) -> DefinitionFolder {
        let [system, user] = self.definition_folders(folder);
        if layer == Layer::System { system } else { user }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use keyward_core::ErrorKind;
    use keyward_fs::PrivateDir;

    use super::*;
    use crate::environment::Environment;

    #[test]
    fn a_table_is_a_file_that_only_its_owner_can_write() {
        let home = tempfile::tempdir().unwrap();
        let config = Config::load(Environment::new([("HOME", home.path())])).unwrap();
        assert_eq!(config.table("oauth", "own").unwrap(), None);
        let folder = config.places().config.join("oauth");
        PrivateDir::create(&folder).unwrap().replace(Path::new("own.toml"), b"a = 1\n").unwrap();
        let table = config.table("oauth", "own").unwrap().unwrap();
        assert_eq!((&*table.text, table.from.ends_with("/oauth/own.toml")), ("a = 1\n", true));
        assert_eq!(config.table("oauth", "../oauth/own").unwrap(), None);
        fs::set_permissions(folder.join("own.toml"), Permissions::from_mode(0o666)).unwrap();
        assert_eq!(config.table("oauth", "own").unwrap_err().kind(), ErrorKind::Refused);
    }

    #[test]
    fn a_file_is_written_once_and_never_outside_of_its_folder() {
        let home = tempfile::tempdir().unwrap();
        let config = Config::load(Environment::new([("HOME", home.path())])).unwrap();
        for name in ["a", "../a", "/etc/a", ".", "\u{e4} b"] {
            config.add_table("providers", name, Layer::User, "a = 1\n").unwrap();
            let again = config.add_table("providers", name, Layer::User, "a = 2\n").unwrap_err();
            assert_eq!(again.kind(), ErrorKind::Exists, "{name}");
        }
        let folder = config.places().config.join("providers");
        let others = fs::read_dir(&config.places().config).unwrap();
        let others: Vec<_> = others.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(others, [folder]);
        let names: Vec<_> = config.tables("providers").unwrap();
        let names: Vec<_> = names.iter().map(|named| &*named.name).collect();
        assert_eq!(names, [".", "../a", "/etc/a", "a", "\u{e4} b"]);
        for name in ["", "a\nb", "e\u{301}", &"a".repeat(65)] {
            assert!(config.add_table("providers", name, Layer::User, "").is_err(), "{name}");
        }
        let table = config.table_in("providers", "../a", Layer::User).unwrap().unwrap();
        assert_eq!(table.text, "a = 1\n");
        assert_eq!(config.table_in("providers", "../a", Layer::System).unwrap(), None);
        assert!(config.remove_table("providers", "../a", Layer::User).unwrap());
        assert!(!config.remove_table("providers", "../a", Layer::User).unwrap());
    }
}
