use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A new folder that only its owner can enter. It is removed when it is dropped.
#[derive(Debug)]
pub struct Scratch(Folder);

#[derive(Debug)]
enum Folder {
    Made(TempDir),
    /// That of the process which started this one.
    Given(PathBuf),
}

impl Scratch {
    /// Makes the folder.
    ///
    /// # Panics
    /// If the folder cannot be made.
    #[expect(clippy::new_without_default, reason = "each one is a folder on disk")]
    pub fn new() -> Self {
        let private = std::fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("keyward-").permissions(private).tempdir();
        Self(Folder::Made(folder.unwrap()))
    }

    /// The folder of the process that started this one, which removes it.
    #[cfg(unix)]
    pub(crate) fn given(folder: impl Into<PathBuf>) -> Self {
        Self(Folder::Given(folder.into()))
    }

    /// The path of the folder.
    pub fn folder(&self) -> &Path {
        match &self.0 {
            Folder::Made(folder) => folder.path(),
            Folder::Given(folder) => folder,
        }
    }

    /// Returns the path of `name` in the folder. It makes no file.
    ///
    /// # Panics
    /// If the folder's path is not UTF-8.
    pub fn path(&self, name: &str) -> String {
        self.folder().join(name).to_str().unwrap().to_owned()
    }

    /// Makes a file that only its owner can read, and returns its path.
    ///
    /// # Panics
    /// If it exists already.
    pub fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.path(name);
        let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        made.unwrap().write_all(content).unwrap();
        path
    }
}
