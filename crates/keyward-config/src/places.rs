use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use keyward_core::{Error, ErrorKind, Result};

use crate::environment::Environment;
use crate::passwd::user_of_uid;

/// The folders of configuration, data and state, by the XDG base directory specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The user's home.
    pub home: PathBuf,
    /// The user's configuration: `$XDG_CONFIG_HOME/keyward`.
    pub config: PathBuf,
    /// The user's data: `$XDG_DATA_HOME/keyward`.
    pub data: PathBuf,
    /// The user's state, including keys: `$XDG_STATE_HOME/keyward`.
    pub state: PathBuf,
    /// The system's configuration.
    pub system_config: PathBuf,
    /// The data of system stores.
    pub system_data: PathBuf,
}

impl Places {
    /// Returns the folders in which backends keep a file or folder for each store by default, named
    /// after the store's id.
    #[must_use]
    pub fn folders_by_id(&self) -> [PathBuf; 3] {
        [self.data.join("stores"), self.state.join("keys"), self.state.join("keyring")]
    }

    /// Returns the places of the user who runs this program.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if no home is known.
    pub fn find(environment: &Environment) -> Result<Self> {
        let home = environment
            .path("HOME")
            .or_else(|| user_of_uid(rustix::process::geteuid().as_raw()).home)
            .ok_or_else(|| {
                Error::new(ErrorKind::Invalid, "config")
                    .because("there is no home folder")
                    .hint("Set HOME to an absolute path")
            })?;
        let below = |variable: &str, default: &str| {
            environment.path(variable).unwrap_or_else(|| home.join(default)).join("keyward")
        };
        Ok(Self {
            config: below("XDG_CONFIG_HOME", ".config"),
            data: below("XDG_DATA_HOME", ".local/share"),
            state: below("XDG_STATE_HOME", ".local/state"),
            system_config: PathBuf::from("/etc/keyward"),
            system_data: PathBuf::from("/var/lib/keyward"),
            home,
        })
    }

    /// Returns the path that a setting contains, in which a leading `~/` is the home folder.
    pub(crate) fn expand_home(&self, path: &str) -> PathBuf {
        match path.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None => PathBuf::from(path),
        }
    }

    /// Returns the path of the user's configuration file, which may not exist.
    #[must_use]
    pub fn user_file(&self, environment: &Environment) -> PathBuf {
        environment.path("KEYWARD_CONFIG_FILE").unwrap_or_else(|| self.config.join("config.toml"))
    }

    /// Refuses to write the user's own files as root if the home folder, or a folder that an
    /// `XDG_…_HOME` variable names, belongs to another user: `sudo` may keep `HOME`. That user
    /// could not use the files that root would make there. This does not apply to system stores.
    ///
    /// This is checked for root only: containers often run with a user id that does not own its
    /// home folder, but can write to it.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused).
    pub fn check_owner(&self) -> Result<()> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        for place in [&self.config, &self.data, &self.state] {
            let home = place.starts_with(&self.home).then_some(self.home.as_path());
            let nearest = place.ancestors().find(|folder| folder.exists());
            for folder in home.into_iter().chain(nearest) {
                check_owned_by_root(folder)?;
            }
        }
        Ok(())
    }
}

fn check_owned_by_root(folder: &Path) -> Result<()> {
    match std::fs::metadata(folder).map(|found| found.uid()) {
        Ok(uid) if uid != 0 => Err(Error::new(ErrorKind::Refused, "config")
            .because(format!(
                "root would make its own files in {}, which belongs to user id {uid}",
                folder.display()
            ))
            .hint("Run this with `sudo -H`, or as that user")),
        _ => Ok(()),
    }
}
