use std::path::PathBuf;

use keyward_core::{Error, Result};

use crate::environment::Environment;

/// An absolute path by which others can call this program.
///
/// It is the one by which the program was called itself, if that leads here: it stays the same when
/// an update puts the program elsewhere and leaves a link there.
///
/// # Errors
/// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if the operating system does not know where
/// the program is.
pub fn path_of_program(environment: &Environment) -> Result<PathBuf> {
    let this = std::env::current_exe().map_err(|error| Error::io("config", error))?;
    let leads_here = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == this);
    Ok(called(environment).filter(leads_here).unwrap_or(this))
}

/// What the command line says, made absolute, or found as a shell finds it.
fn called(environment: &Environment) -> Option<PathBuf> {
    let word = PathBuf::from(std::env::args_os().next()?);
    if word.components().count() > 1 {
        return std::path::absolute(word).ok();
    }
    let folders = environment.get("PATH")?;
    let mut found = std::env::split_paths(&folders).map(|folder| folder.join(&word));
    found.find(|path| path.is_absolute() && path.is_file())
}
