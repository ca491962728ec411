//! What the commands for a project share.

use std::path::{Path, PathBuf};

use keyward_config::{Config, DeclaredSecret};
use keyward_core::{Error, printable};

use crate::stop::Outcome;

/// Returns the folder of the project that contains the folder `from`.
pub(super) fn find(config: &Config, from: &Path) -> Outcome<PathBuf> {
    match config.find_project(from)? {
        Some(folder) => Ok(folder),
        None => Err(Error::invalid("open", "there is no `.keyward.toml` here or above")
            .hint("`keyward help project` shows how a project declares its secrets")
            .into()),
    }
}

/// Returns a folder's path as it can be shown in one line.
pub(super) fn shown(folder: &Path) -> String {
    printable(&folder.display().to_string()).to_string()
}

/// Returns the error with the secret that it is about.
pub(super) fn named(secret: &DeclaredSecret, error: &Error) -> Error {
    let name = printable(&secret.name);
    let why = format!("the project's secret `{name}`: {}", error.summary());
    Error::new(error.kind(), "resolve")
        .because(why)
        .hint(error.advice().unwrap_or_default())
        .caused_by(error.causes().collect::<Vec<_>>().join("; "))
}
