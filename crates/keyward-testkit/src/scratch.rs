use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use tempfile::TempDir;

/// A fresh folder that only its owner can enter, removed in the end.
#[derive(Debug)]
pub struct Scratch(TempDir);

impl Scratch {
    /// Makes the folder.
    ///
    /// # Panics
    /// If there is nowhere to make it.
    #[expect(clippy::new_without_default, reason = "each one is a folder on disk")]
    pub fn new() -> Self {
        let private = std::fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("keyward-").permissions(private).tempdir();
        Self(folder.unwrap())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// The path of `name` in the folder. Nothing is made there.
    ///
    /// # Panics
    /// If the folder's own path is no text.
    pub fn path(&self, name: &str) -> String {
        self.folder().join(name).to_str().unwrap().to_owned()
    }

    /// Makes a file that only its owner can read, and gives its path.
    ///
    /// # Panics
    /// If it is there already.
    pub fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.path(name);
        let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        made.unwrap().write_all(content).unwrap();
        path
    }
}
