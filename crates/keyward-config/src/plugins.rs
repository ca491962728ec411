use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keyward_core::{Error, ErrorKind, Result};

use crate::config::Config;
use crate::definition::{self, DefinitionFolder};
use crate::layer::Layer;
use crate::name::PluginName;
use crate::plugin_file::PluginFile;

/// The plugins that the system and the user trust.
#[derive(Debug, Default)]
pub struct Plugins {
    /// Their files, sorted by name.
    pub files: Vec<PluginFile>,
    /// The files that cannot be used. Their backends are not known.
    pub broken: Vec<BrokenPlugin>,
}

/// A file that should describe a plugin but does not, or a folder of such files that cannot be
/// used.
#[derive(Debug)]
pub struct BrokenPlugin {
    /// The plugin, if this is the file of one.
    pub name: Option<PluginName>,
    /// Where the file or folder is.
    pub path: PathBuf,
    /// Why it cannot be used.
    pub error: Error,
}

/// A file in the configuration of the system or of the user makes a plugin trusted. There is no
/// other way: no setting, variable or project can name a plugin, and Keyward does not search for
/// plugins.
impl Config {
    /// Returns the folders of the files that describe plugins, in the order in which they are
    /// searched.
    pub fn plugin_folders(&self) -> [DefinitionFolder; 2] {
        self.definition_folders("plugins")
    }

    /// Returns all plugins.
    ///
    /// A file that is not valid is in [`broken`](Plugins::broken) and does not affect the others.
    pub fn plugins(&self) -> Plugins {
        let mut plugins = Plugins::default();
        let mut found = BTreeMap::new();
        for folder in self.plugin_folders() {
            let names = folder.names().unwrap_or_else(|error| {
                let path = folder.path.clone();
                plugins.broken.push(BrokenPlugin { name: None, path, error });
                Vec::new()
            });
            for name in names {
                let path = folder.file(&name);
                let read = match found.get(&name) {
                    Some(_) => Err(hidden(&path)),
                    None => folder.find(&name),
                };
                match read {
                    Ok(Some(file)) => drop(found.insert(name, file)),
                    Ok(None) => {}
                    Err(error) => {
                        plugins.broken.push(BrokenPlugin { name: Some(name), path, error });
                    }
                }
            }
        }
        plugins.files = found.into_values().collect();
        plugins
    }

    /// Returns the file of a plugin, if there is such a plugin. The system's plugin comes before a
    /// user's plugin of the same name.
    ///
    /// # Errors
    /// Those of the file, and [`Refused`](ErrorKind::Refused) if other users can write to its
    /// folder.
    pub fn find_plugin(&self, name: &PluginName) -> Result<Option<PluginFile>> {
        definition::find(&self.plugin_folders(), name)
    }

    /// Returns the path of a plugin's file, which may not exist.
    pub fn plugin_path(&self, name: &PluginName, layer: Layer) -> PathBuf {
        self.plugin_folder(layer).file(name)
    }

    fn plugin_folder(&self, layer: Layer) -> DefinitionFolder {
        let [system, user] = self.plugin_folders();
        if layer == Layer::System { system } else { user }
    }

    /// Writes the file of a plugin. `before` is the file that it replaces.
    ///
    /// # Errors
    /// [`Exists`](ErrorKind::Exists) if there is another plugin of this name.
    pub fn keep_plugin(&self, file: &PluginFile, before: Option<&PluginFile>) -> Result<()> {
        self.check_owner(file.layer)?;
        match before {
            Some(before) if before.path == file.path => file.replace(),
            _ => file.create(),
        }
    }

    /// Removes the file of a plugin, and returns whether there was one.
    ///
    /// # Errors
    /// Those of removing the file.
    pub fn remove_plugin(&self, name: &PluginName, layer: Layer) -> Result<bool> {
        self.plugin_folder(layer).remove(name)
    }
}

fn hidden(path: &Path) -> Error {
    let why = format!("{}: a system plugin has the same name and is used instead", path.display());
    Error::new(ErrorKind::Exists, "config").because(why)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use keyward_fs::PrivateDir;

    use super::*;
    use crate::environment::Environment;

    const SOUND: &str = "version = 1\ndoor = \"load\"\npath = \"/p.so\"\nsha256 = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\nbackends = [\"storage shelf\"]\n";

    /// A home with these files in its folder of plugins.
    fn home(files: &[(&str, &str)]) -> (tempfile::TempDir, Config) {
        let home = tempfile::tempdir().unwrap();
        let config = Config::load(Environment::new([("HOME", home.path())])).unwrap();
        let [_, DefinitionFolder { path: folder, .. }] = config.plugin_folders();
        let private = PrivateDir::create(&folder).unwrap();
        for (name, text) in files {
            private.replace(Path::new(name), text.as_bytes()).unwrap();
        }
        (home, config)
    }

    fn named(plugins: &Plugins) -> Vec<&str> {
        plugins.files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn a_broken_file_does_not_affect_the_others() {
        let (_home, config) = home(&[
            ("a.toml", SOUND),
            ("b.toml", "version = 2\n"),
            ("c.toml", SOUND),
            ("notes.txt", ""),
            (".d.toml", "version = 2\n"),
        ]);
        let [_, DefinitionFolder { path: folder, .. }] = config.plugin_folders();
        fs::set_permissions(folder.join("c.toml"), Permissions::from_mode(0o620)).unwrap();
        let plugins = config.plugins();
        assert_eq!(named(&plugins), ["a"]);
        let broken: Vec<_> =
            plugins.broken.iter().map(|it| (it.path.clone(), it.error.kind())).collect();
        let [b, c] = ["b.toml", "c.toml"].map(|file| folder.join(file));
        assert_eq!(broken, [(b, ErrorKind::Invalid), (c, ErrorKind::Refused)]);
    }

    #[test]
    fn a_folder_that_others_can_write_is_broken_as_a_whole() {
        let (_home, config) = home(&[("a.toml", SOUND)]);
        let [_, DefinitionFolder { path: folder, .. }] = config.plugin_folders();
        for mode in [0o720, 0o702, 0o1777] {
            fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
            let plugins = config.plugins();
            assert!(plugins.files.is_empty());
            assert_eq!(plugins.broken[0].path, folder);
            assert_eq!(plugins.broken[0].error.kind(), ErrorKind::Refused);
        }
    }

    #[test]
    fn a_plugin_is_kept_replaced_and_removed() {
        let (_home, config) = home(&[]);
        let name = PluginName::new("Regal \u{fc}").unwrap();
        let path = config.plugin_path(&name, Layer::User);
        let file = PluginFile::parse(SOUND, &path, &name, Layer::User).unwrap();
        config.keep_plugin(&file, None).unwrap();
        assert_eq!(config.find_plugin(&name).unwrap().unwrap(), file);
        let error = config.keep_plugin(&file, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exists);
        let text = SOUND.replace("/p.so", "/q.so");
        let other = PluginFile::parse(&text, &path, &name, Layer::User).unwrap();
        config.keep_plugin(&other, Some(&file)).unwrap();
        assert_eq!(config.plugins().files, [other]);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(config.remove_plugin(&name, Layer::User).unwrap());
        assert!(!config.remove_plugin(&name, Layer::User).unwrap());
        assert!(config.plugins().files.is_empty());
    }
}
