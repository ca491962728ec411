use std::path::{Path, PathBuf};

use keyward_core::{Error, Result};

use crate::environment::Environment;

/// Returns an absolute path by which other programs can call this one.
///
/// This is the path with which the program was called, if that leads to this program: it stays
/// valid if an update moves the program and leaves a link there.
///
/// # Errors
/// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if the operating system does not know the
/// path of the program.
pub fn path_of_program(environment: &Environment) -> Result<PathBuf> {
    let this = std::env::current_exe().map_err(|error| Error::io("config", error))?;
    let leads_here = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == this);
    Ok(called(environment).filter(leads_here).unwrap_or(this))
}

/// Returns the path of another program in the folder of this one, if it is there. The path to the
/// folder contains no symbolic link.
pub fn program_beside(name: &str) -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.with_file_name(name);
    path.is_file().then_some(path)
}

/// Returns the path from the command line: made absolute, or found in `PATH` as by a shell.
fn called(environment: &Environment) -> Option<PathBuf> {
    let word = PathBuf::from(std::env::args_os().next()?);
    if word.components().count() > 1 {
        return std::path::absolute(word).ok();
    }
    find_program(environment, &word)
}

/// Returns the path of a program that is found in `PATH`, as by a shell.
pub fn find_program(environment: &Environment, name: impl AsRef<Path>) -> Option<PathBuf> {
    let folders = environment.get("PATH")?;
    let mut found = std::env::split_paths(&folders).map(|folder| folder.join(&name));
    found.find(|path| path.is_absolute() && path.is_file())
}
