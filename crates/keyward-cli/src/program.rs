//! Where this program is.

use std::path::PathBuf;

use keyward_config::Environment;
use keyward_core::{Error, Result};

/// An absolute path by which others can call this program.
///
/// The one by which it was called itself, if that leads here: it stays the same when an update puts
/// the program elsewhere and leads a link there.
pub(crate) fn path(environment: &Environment) -> Result<String> {
    let this = std::env::current_exe().map_err(|error| Error::io("setup", error))?;
    let path =
        called(environment).filter(|path| path.canonicalize().is_ok_and(|path| path == this));
    let path = path.unwrap_or(this).into_os_string().into_string();
    path.ok().filter(|path| !path.chars().any(char::is_control)).ok_or_else(|| {
        Error::invalid("setup", "the path of this program is not text, so others cannot be told it")
    })
}

/// What the command line says, made absolute, or found as a shell finds it.
fn called(environment: &Environment) -> Option<PathBuf> {
    let word = PathBuf::from(std::env::args_os().next()?);
    if word.components().count() > 1 {
        return std::path::absolute(word).ok();
    }
    let folders = environment.get("PATH")?;
    let found = std::env::split_paths(&folders).map(|folder| folder.join(&word));
    found.filter(|path| path.is_absolute()).find(|path| path.is_file())
}
