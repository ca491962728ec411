//! Writes the files that describe stores and plugins.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use keyward_core::{Error, ErrorKind, Result};
use keyward_fs::PrivateDir;

use crate::layer::Layer;

/// Writes the file, unless there is one.
///
/// # Errors
/// `Exists` if there is one.
pub(crate) fn create(path: &Path, layer: Layer, text: &str) -> Result<()> {
    let (folder, file) = folder_and_file(path)?;
    PrivateDir::create(folder)?.create_new(file, text.as_bytes())?;
    publish(path, layer)
}

/// Replaces the file.
pub(crate) fn replace(path: &Path, layer: Layer, text: &str) -> Result<()> {
    let (folder, file) = folder_and_file(path)?;
    PrivateDir::create(folder)?.replace(file, text.as_bytes())?;
    publish(path, layer)
}

/// Makes a file of the system readable for all users and writable only for its owner.
fn publish(path: &Path, layer: Layer) -> Result<()> {
    if layer != Layer::System {
        return Ok(());
    }
    let open = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
            .map_err(|error| Error::io("config", error))
    };
    open(path, 0o644)?;
    path.ancestors().skip(1).take(2).try_for_each(|folder| open(folder, 0o755))
}

fn folder_and_file(path: &Path) -> Result<(&Path, &Path)> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(file)) => Ok((folder, Path::new(file))),
        _ => Err(Error::new(ErrorKind::Other, "config")),
    }
}
