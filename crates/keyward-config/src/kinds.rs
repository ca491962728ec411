use keyward_core::Result;
use keyward_kinds::{Kind, Kinds};

use crate::config::Config;
use crate::definition::{Definition, DefinitionFolder, EscapedName};
use crate::layer::Layer;
use crate::toml_file::TomlFile;

impl Definition for Kind {
    type Name = EscapedName;

    fn read(file: &TomlFile, name: &EscapedName, _: Layer) -> Result<Self> {
        Self::parse(&file.text, &name.0, &file.path.display().to_string())
    }
}

/// A file in the configuration of the system or of the user defines a kind.
impl Config {
    /// Returns the folders of the files that define kinds, the system's first.
    pub fn kind_folders(&self) -> [DefinitionFolder; 2] {
        self.definition_folders("kinds")
    }

    /// Returns all kinds: built-in ones, those of linked crates, and those of files.
    ///
    /// If a name is defined twice, or a file cannot be used, then no kind has the name;
    /// [`Kinds::faults`] says why. A folder that cannot be used is a fault too.
    pub fn kinds(&self) -> Kinds {
        let mut kinds = Kinds::linked();
        for folder in self.kind_folders() {
            let names = folder.names::<EscapedName>().unwrap_or_else(|error| {
                kinds.add_broken(None, error);
                Vec::new()
            });
            for name in names {
                match folder.find::<Kind>(&name) {
                    Ok(kind) => kinds.extend(kind),
                    Err(error) => kinds.add_broken(Some(&name.0), error),
                }
            }
        }
        kinds
    }

    /// Returns kinds that include the one of this name, if there is one. It reads files only if one
    /// of them can define the name, so the common kinds cost nothing.
    pub fn kinds_with(&self, name: &str) -> Kinds {
        if name.contains('.') { self.kinds() } else { Kinds::linked() }
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

    const VALID: &str = "version = 1\nhelp = \"A key\"\n";

    /// A home with these files in its folder of kinds.
    fn home(files: &[(&str, &str)]) -> (tempfile::TempDir, Config) {
        let home = tempfile::tempdir().unwrap();
        let config = Config::load(Environment::new([("HOME", home.path())])).unwrap();
        let [_, DefinitionFolder { path: folder, .. }] = config.kind_folders();
        let private = PrivateDir::create(&folder).unwrap();
        for (name, text) in files {
            private.replace(Path::new(name), text.as_bytes()).unwrap();
        }
        (home, config)
    }

    #[test]
    fn a_broken_file_does_not_affect_the_others() {
        let (_home, config) = home(&[
            ("acme.a.toml", VALID),
            ("acme.b.toml", "version = 2\nhelp = \"\"\n"),
            ("acme.c.toml", VALID),
            ("token.toml", VALID),
            ("notes.txt", ""),
        ]);
        let [_, folder] = config.kind_folders();
        fs::set_permissions(folder.path.join("acme.c.toml"), Permissions::from_mode(0o620))
            .unwrap();
        let kinds = config.kinds();
        assert!(kinds.find("acme.a").unwrap().from.ends_with("/kinds/acme.a.toml"));
        let failure = |name| kinds.find(name).unwrap_err().kind();
        assert_eq!(failure("acme.b"), ErrorKind::Invalid);
        assert_eq!(failure("acme.c"), ErrorKind::Refused);
        assert!(kinds.find("token").is_ok(), "a user's file does not disable a built-in kind");
        assert_eq!(kinds.faults().len(), 3, "{:?}", kinds.faults());
    }

    #[test]
    fn a_folder_that_others_can_write_is_broken_as_a_whole() {
        let (_home, config) = home(&[("acme.a.toml", VALID)]);
        let [_, folder] = config.kind_folders();
        fs::set_permissions(&folder.path, Permissions::from_mode(0o702)).unwrap();
        let kinds = config.kinds();
        assert_eq!(kinds.find("acme.a").unwrap_err().kind(), ErrorKind::Refused);
        assert!(kinds.find("token").is_ok());
    }
}
