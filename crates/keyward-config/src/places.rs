use std::path::PathBuf;

use keyward_core::{Error, ErrorKind, Result};

use crate::environment::Environment;
use crate::passwd::account_of_uid;

/// Where configuration, data and state lie, by the XDG base directory specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The user's home.
    pub home: PathBuf,
    /// The user's configuration: `$XDG_CONFIG_HOME/keyward`.
    pub config: PathBuf,
    /// The user's data: `$XDG_DATA_HOME/keyward`.
    pub data: PathBuf,
    /// The user's state, keys among it: `$XDG_STATE_HOME/keyward`.
    pub state: PathBuf,
    /// The system's configuration.
    pub system_config: PathBuf,
    /// The system's data: central stores.
    pub system_data: PathBuf,
}

impl Places {
    /// The places of whoever runs this.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if no home is known.
    pub fn find(environment: &Environment) -> Result<Self> {
        let home = environment
            .path("HOME")
            .or_else(|| account_of_uid(rustix::process::geteuid().as_raw()).home)
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
}
