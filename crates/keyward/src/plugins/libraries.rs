//! Plugins that are shared libraries.

use std::sync::{Mutex, PoisonError};

use keyward_config::PluginFile;
use keyward_core::{Registration, Result};
use keyward_loader::{Pin, load, verify_library};

/// The libraries that were loaded. They stay in memory until the process ends.
#[derive(Debug, Default)]
pub(super) struct Libraries(Mutex<Vec<Loaded>>);

/// A library that was loaded: its pin, those of the libraries that it needs, and its backends.
type Loaded = (Pin, Vec<Pin>, Vec<Registration>);

impl Libraries {
    /// Loads a library, unless it is loaded, and returns its backends.
    pub(super) fn load(&self, file: &PluginFile) -> Result<Vec<Registration>> {
        let mut libraries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known =
            libraries.iter().find(|(pin, needs, _)| (pin, needs) == (&file.pin, &file.needs));
        if let Some((_, _, backends)) = known {
            return Ok(backends.clone());
        }
        let backends = load(verify_library(&file.pin, &file.needs)?)?;
        libraries.push((file.pin.clone(), file.needs.clone(), backends.clone()));
        Ok(backends)
    }
}

/// Checks a library that a program will load. The program checks it again; this reports an error
/// earlier, and with its cause.
pub(super) fn check(file: &PluginFile) -> Result<()> {
    verify_library(&file.pin, &file.needs).map(drop)
}
