use keyward_core::{Error, Result, escape};

use crate::config::Config;
use crate::definition::{DefinitionName, EscapedName};
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
}
