use std::path::Path;

use keyward_config::PluginFile;
use keyward_core::{Error, ErrorKind, Result};
use keyward_loader::{Program, inspect, verify_library, verify_program};

/// Whether a plugin is still the one that was trusted.
#[derive(Debug)]
pub enum PluginState {
    /// It has not changed.
    Sound,
    /// The content of one of its files has changed.
    Changed(Error),
    /// One of its files is missing.
    Missing(Error),
    /// Other users could replace one of its files, or it would load a library that is not trusted.
    Unsafe(Error),
    /// This program cannot use it.
    Unusable(Error),
}

impl PluginState {
    /// Checks a plugin's files, without running them.
    pub fn check(file: &PluginFile) -> Self {
        let Err(error) = verify(file) else { return Self::Sound };
        let pins = || [&file.pin].into_iter().chain(&file.needs);
        let is_missing = |path: &Path| matches!(path.try_exists(), Ok(false));
        let is_changed = |digest, path| inspect(path).is_ok_and(|found| found.digest != digest);
        let host = file.host.as_deref();
        let mut paths = pins().map(|pin| pin.path.as_path()).chain(host);
        match error.kind() {
            ErrorKind::Refused if pins().any(|pin| is_changed(pin.digest, &pin.path)) => {
                Self::Changed(error)
            }
            ErrorKind::Refused => Self::Unsafe(error),
            _ if paths.any(is_missing) => Self::Missing(error),
            _ => Self::Unusable(error),
        }
    }

    /// Returns the state as a word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Changed(_) => "changed",
            Self::Missing(_) => "missing",
            Self::Unsafe(_) => "unsafe",
            Self::Unusable(_) => "unusable",
        }
    }

    /// Returns why it cannot be used, if it cannot.
    pub const fn error(&self) -> Option<&Error> {
        match self {
            Self::Sound => None,
            Self::Changed(error)
            | Self::Missing(error)
            | Self::Unsafe(error)
            | Self::Unusable(error) => Some(error),
        }
    }
}

fn verify(file: &PluginFile) -> Result<()> {
    if let Some(host) = &file.host {
        Program::in_place(host)?;
    }
    match file.is_library() {
        true => verify_library(&file.pin, &file.needs).map(drop),
        false => verify_program(&file.pin).map(drop),
    }
}
