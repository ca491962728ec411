use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::shell::{Result, failed};

/// The files to pack, as they will be below `/`. The folder is removed when this is dropped.
pub(super) struct Tree(PathBuf);

impl Tree {
    /// Makes an empty tree.
    pub(super) fn new(path: PathBuf) -> Result<Self> {
        if path.exists() {
            fs::remove_dir_all(&path).map_err(|e| failed("remove", &path, &e))?;
        }
        fs::create_dir_all(&path).map_err(|e| failed("make", &path, &e))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes a folder, and the folders above it.
    pub(super) fn folder(&self, place: &str) -> Result<PathBuf> {
        let path = self.0.join(place);
        fs::create_dir_all(&path).map_err(|e| failed("make", &path, &e))?;
        Ok(path)
    }

    pub(super) fn copy(&self, from: &Path, place: &str) -> Result {
        let path = self.room(place)?;
        fs::copy(from, path).map(drop).map_err(|e| failed("copy", from, &e))
    }

    pub(super) fn write(&self, place: &str, text: &str) -> Result {
        let path = self.room(place)?;
        #[expect(clippy::disallowed_methods, reason = "it is a new file each time")]
        fs::write(&path, text).map_err(|e| failed("write", &path, &e))
    }

    pub(super) fn link(&self, to: &str, place: &str) -> Result {
        let path = self.room(place)?;
        symlink(to, &path).map_err(|e| failed("make", &path, &e))
    }

    /// Returns every file, folder and link, relative to the tree, sorted.
    pub(super) fn entries(&self) -> Result<Vec<PathBuf>> {
        let mut entries = Vec::new();
        gather(&self.0, &mut entries)?;
        entries.sort();
        let inside = |path: &PathBuf| path.strip_prefix(&self.0).map(Path::to_owned);
        Ok(entries.iter().filter_map(|path| inside(path).ok()).collect())
    }

    /// Sets the modes, independently of the umask: all users may read everything and run
    /// `programs`, only root may write.
    pub(super) fn set_modes(&self, programs: &[&str]) -> Result {
        for entry in self.entries()?.into_iter().chain([PathBuf::new()]) {
            let path = self.0.join(&entry);
            if path.is_symlink() {
                continue;
            }
            let is_program = programs.iter().any(|program| entry == Path::new(program));
            let mode = if path.is_dir() || is_program { 0o755 } else { 0o644 };
            fs::set_permissions(&path, Permissions::from_mode(mode))
                .map_err(|e| failed("change", &path, &e))?;
        }
        Ok(())
    }

    /// Returns the path of a new file, and makes its folder.
    fn room(&self, place: &str) -> Result<PathBuf> {
        let path = self.0.join(place);
        let folder = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder).map_err(|e| failed("make", folder, &e))?;
        Ok(path)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn gather(folder: &Path, entries: &mut Vec<PathBuf>) -> Result {
    for entry in fs::read_dir(folder).map_err(|e| failed("read", folder, &e))?.flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            gather(&path, entries)?;
        }
        entries.push(path);
    }
    Ok(())
}
