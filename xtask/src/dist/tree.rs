use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::shell::{Result, failed};

/// What is packed, as it will lie below `/`; removed in the end.
pub(super) struct Tree(PathBuf);

impl Tree {
    /// An empty one.
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
        #[expect(clippy::disallowed_methods, reason = "it is made anew each time")]
        fs::write(&path, text).map_err(|e| failed("write", &path, &e))
    }

    pub(super) fn link(&self, to: &str, place: &str) -> Result {
        let path = self.room(place)?;
        symlink(to, &path).map_err(|e| failed("make", &path, &e))
    }

    /// Every file, folder and link, relative to the tree, in order.
    pub(super) fn entries(&self) -> Result<Vec<PathBuf>> {
        let mut entries = Vec::new();
        gather(&self.0, &mut entries)?;
        entries.sort();
        let inside = |path: &PathBuf| path.strip_prefix(&self.0).map(Path::to_owned);
        Ok(entries.iter().filter_map(|path| inside(path).ok()).collect())
    }

    /// Whatever the umask was: everybody may read all of it and run `program`, nobody but root may write.
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

    /// The path of a new file.
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
