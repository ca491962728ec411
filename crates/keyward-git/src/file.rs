//! A configuration file of git, read and replaced as git does it.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use keyward_config::{Environment, Places};
use keyward_core::{Error, ErrorKind, Result, Secret};
use keyward_fs::open_own;

use crate::program::Git;
use crate::run::MAX;

/// How many times to try a lock that another process holds, with `PAUSE` between the attempts.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// How many symbolic links to follow to a file.
const LINKS: usize = 16;

/// A configuration file of git, which may not exist.
#[derive(Debug)]
pub struct ConfigFile(PathBuf);

impl ConfigFile {
    /// Returns the file that `git config --global` writes.
    ///
    /// # Errors
    /// - [`Invalid`](ErrorKind::Invalid): `GIT_CONFIG_GLOBAL` is empty.
    /// - [`Refused`](ErrorKind::Refused): the path leads through too many symbolic links.
    pub fn global(environment: &Environment, places: &Places) -> Result<Self> {
        if let Some(file) = environment.get("GIT_CONFIG_GLOBAL") {
            if file.is_empty() {
                return Err(Error::invalid(
                    "setup",
                    "GIT_CONFIG_GLOBAL is empty: git reads no global configuration",
                ));
            }
            return Self::from_path(Path::new(&file));
        }
        let own = places.home.join(".gitconfig");
        let folder = environment.get("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
        let folder = folder.map_or_else(|| places.home.join(".config"), PathBuf::from);
        let other = folder.join("git/config");
        Self::from_path(if !own.exists() && other.exists() { &other } else { &own })
    }

    /// Returns the file of the repository that contains the current folder.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the current folder is in no repository.
    pub fn local(git: &Git) -> Result<Self> {
        let mut command = git.command(&["rev-parse", "--git-path", "config"]);
        let answer = git.run(&mut command, &Secret::default())?;
        let path = answer.output.expose().strip_suffix(b"\n");
        let path = path.filter(|_| answer.status.success());
        match path {
            Some(path) => Self::from_path(Path::new(OsStr::from_bytes(path))),
            None => Err(Error::invalid(
                "setup",
                "the current folder is not in a git repository that git trusts",
            )
            .hint("Change to a folder of the repository; `git status` says more")),
        }
    }

    /// Returns the file at a path. It follows symbolic links: a new file replaces the target and not
    /// the link.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused): the path leads through too many symbolic links.
    pub fn from_path(path: &Path) -> Result<Self> {
        let mut path = std::path::absolute(path).map_err(|error| Error::io("setup", error))?;
        for _ in 0..LINKS {
            match std::fs::read_link(&path) {
                Ok(target) => path = path.parent().unwrap_or(Path::new("/")).join(target),
                Err(_) => return Ok(Self(path)),
            }
        }
        Err(refused(&path, "leads through too many symbolic links"))
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the content, or `None` if the file does not exist.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) if it is not a regular file, or belongs to another user.
    pub fn read(&self) -> Result<Option<Secret>> {
        let Some(file) = open_own(&self.0)? else { return Ok(None) };
        Secret::read_from(file, MAX).map(Some).map_err(|error| self.failed(error))
    }

    /// Replaces `old` by `new`, atomically, durably, and with the same permissions; `None` means no
    /// file. Meanwhile it holds git's own lock of the file.
    ///
    /// # Errors
    /// - `Conflict` if the content of the file is not `old`.
    /// - `Locked` if another process keeps the file locked.
    pub fn replace(&self, old: Option<&Secret>, new: Option<&Secret>) -> Result<()> {
        let mode = open_own(&self.0)?
            .map(|file| file.metadata())
            .transpose()
            .map_err(|error| self.failed(error))?;
        let mode = mode.map(|metadata| metadata.mode() & 0o7777);
        let mut lock = Lock::take(self, mode)?;
        if self.read()?.as_ref() != old {
            return Err(Error::new(ErrorKind::Conflict, "setup")
                .because(format!("another program changed {} in the meantime", self.0.display())));
        }
        let done = match new {
            Some(content) => lock.become_the_file(content, mode),
            None => std::fs::remove_file(&self.0),
        };
        done.map_err(|error| self.failed(error))?;
        let synced = File::open(self.folder()).and_then(|folder| folder.sync_all());
        synced.map_err(|error| {
            let file = self.0.display();
            Error::new(ErrorKind::Unavailable, "setup")
                .because(format!(
                    "{file} is changed, but that may not survive a power cut: {error}"
                ))
                .hint("Check the disk, then repeat the command")
        })
    }

    fn folder(&self) -> &Path {
        self.0.parent().unwrap_or(Path::new("/"))
    }

    fn failed(&self, error: std::io::Error) -> Error {
        let why = format!("{}: {error}", self.0.display());
        Error::io("setup", error).because(why)
    }
}

/// Git's lock of a file: a second file beside it, which replaces the first one in the end.
struct Lock<'a> {
    of: &'a ConfigFile,
    path: PathBuf,
    file: File,
    became_the_file: bool,
}

impl<'a> Lock<'a> {
    fn take(of: &'a ConfigFile, mode: Option<u32>) -> Result<Self> {
        let mut path = OsString::from(&of.0);
        path.push(".lock");
        let path = PathBuf::from(path);
        // A new file gets the permissions that git would give it. The lock of a file that exists
        // gets the file's permissions, since the file may be private.
        let mode = mode.map_or(0o666, |mode| mode & 0o777);
        for attempt in 1.. {
            match OpenOptions::new().write(true).create_new(true).mode(mode).open(&path) {
                Ok(file) => return Ok(Self { of, path, file, became_the_file: false }),
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(of.failed(error));
                }
                Err(_) if attempt < ATTEMPTS => std::thread::sleep(PAUSE),
                Err(_) => break,
            }
        }
        Err(Error::new(ErrorKind::Locked, "setup")
            .because(format!("{} is locked by another program", of.0.display()))
            .hint(format!(
                "If no git is running, remove {}: an interrupted git left it",
                path.display()
            )))
    }

    fn become_the_file(&mut self, content: &Secret, mode: Option<u32>) -> std::io::Result<()> {
        if let Some(mode) = mode {
            self.file.set_permissions(Permissions::from_mode(mode))?;
        }
        (&self.file).write_all(content.expose())?;
        self.file.sync_all()?;
        std::fs::rename(&self.path, &self.of.0)?;
        self.became_the_file = true;
        Ok(())
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // After it has become the file, a lock of this name belongs to another process.
        if !self.became_the_file {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn refused(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Refused, "setup").because(format!("{} {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_became_the_file_leaves_the_next_one_alone() {
        let folder = std::env::temp_dir().join(format!("keyward-git-lock-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let file = ConfigFile(folder.join("config"));
        let mut lock = Lock::take(&file, None).unwrap();
        lock.become_the_file(&Secret::from("[a]\n"), None).unwrap();
        let next = Lock::take(&file, None).unwrap();
        drop(lock);
        let is_there = next.path.exists();
        drop(next);
        let left = folder.join("config.lock").exists();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!((is_there, left), (true, false));
    }
}
