//! The files of the audit.

use std::collections::BTreeSet;
use std::path::PathBuf;

use keyward_core::{Error, Result, Value};

use crate::config::Config;
use crate::layer::Layer;
use crate::setting_key::SettingKey;

impl Config {
    /// Returns the files that get a line for each record that is given out: the system's and the
    /// user's, if their configuration has one. Neither replaces the other, and no variable sets one.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) for a relative path.
    pub fn audit_files(&self) -> Result<BTreeSet<PathBuf>> {
        let key = SettingKey::new(["audit", "file"]);
        let mut files = BTreeSet::new();
        for setting in self.settings().explain(&key) {
            if let (Value::Text(path), Layer::System | Layer::User) =
                (&setting.value, setting.layer)
            {
                let file = self.places().expand_home(path);
                if !file.is_absolute() || file.file_name().is_none() {
                    let why = format!("{}: the path of a file must be absolute", setting.place);
                    return Err(Error::invalid("audit", why));
                }
                files.insert(file);
            }
        }
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Environment;

    fn files(text: &str, variables: &[(&str, &str)]) -> Result<BTreeSet<PathBuf>> {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".config/keyward");
        let private = keyward_fs::PrivateDir::create(&folder).unwrap();
        private.replace("config.toml".as_ref(), text.as_bytes()).unwrap();
        let environment = Environment::new([("HOME", home.path())]);
        let environment = variables
            .iter()
            .fold(environment, |environment, (name, value)| environment.with(name, *value));
        Config::load(environment)?.audit_files()
    }

    #[test]
    fn only_files_of_configuration_set_it() {
        let variable = [("KEYWARD_AUDIT_FILE", "/tmp/other")];
        assert_eq!(files("", &variable).unwrap(), BTreeSet::new());
        let set = "version = 1\naudit.file = '/var/log/x'\n";
        assert_eq!(files(set, &variable).unwrap(), [PathBuf::from("/var/log/x")].into());
    }

    #[test]
    fn a_relative_path_is_refused_with_its_place() {
        for path in ["audit", "./audit", "/"] {
            let error = files(&format!("version = 1\naudit.file = '{path}'\n"), &[]).unwrap_err();
            assert!(error.message().contains("config.toml:2: "), "{error}");
        }
    }
}
