//! Plugins that are shared libraries, for an application that loads none.

use keyward_config::PluginFile;
use keyward_core::{Error, ErrorKind, Registration, Result};

/// Loads nothing.
#[derive(Debug, Default)]
pub(super) struct Libraries {}

impl Libraries {
    /// Refuses to load a library.
    pub(super) fn load(&self, file: &PluginFile) -> Result<Vec<Registration>> {
        let path = file.pin.path.display();
        Err(Error::new(ErrorKind::Unsupported, "plugin")
            .because(format!("{path} is a shared library, and this application loads none"))
            .hint(format!("Run: keyward plugin trust --run '{path}'")))
    }
}

/// Checks nothing: the program that loads the library checks it.
pub(super) fn check(_: &PluginFile) -> Result<()> {
    Ok(())
}
