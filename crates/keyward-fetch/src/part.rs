//! The part of a file that is there already: `.NAME.keyward-part`, and beside it what must not have
//! changed at the server for the download to go on.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use keyward_core::{Error, ErrorKind, Result};

/// The longest description that is read, in bytes.
const MAX_DESCRIPTION: u64 = 32 << 10;

/// A file that is being written. No other process writes it.
#[derive(Debug)]
pub(crate) struct Part {
    path: PathBuf,
    description: PathBuf,
    file: File,
    /// How much of it there is, in bytes.
    pub(crate) length: u64,
    /// Whether the file has its name already.
    is_finished: bool,
}

/// What a part is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// The URL that gave it.
    pub(crate) url: String,
    /// The entity tag or the date that the server gave it.
    pub(crate) validator: String,
}

impl Part {
    /// Opens the part of a file, or makes it.
    ///
    /// # Errors
    /// [`Locked`](ErrorKind::Locked) if another process writes it; those of the file system.
    pub(crate) fn open(target: &Path) -> Result<Self> {
        let name = target.file_name().unwrap_or(OsStr::new("file"));
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(".keyward-part");
        let path = target.with_file_name(&hidden);
        hidden.push("-of");
        let description = target.with_file_name(&hidden);
        let failed = |error: io::Error| failed(&path, &error);
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
            if target.exists() {
                // What is replaced may be private.
                options.mode(0o600);
            }
            let file = options.open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::new(ErrorKind::Locked, "fetch")
                        .because(format!("another process downloads {}", target.display())));
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            // Another process may have finished it before the lock.
            let opened = file.metadata().map_err(failed)?;
            match fs::symlink_metadata(&path) {
                Ok(now) if (now.dev(), now.ino()) == (opened.dev(), opened.ino()) => {
                    let length = opened.len();
                    return Ok(Self { path, description, file, length, is_finished: false });
                }
                _ => {}
            }
        }
    }

    /// Returns what the part is of, if it is known and there is something of it.
    pub(crate) fn source(&self) -> Option<Source> {
        let file = File::open(&self.description).ok().filter(|_| self.length > 0)?;
        let mut text = String::new();
        file.take(MAX_DESCRIPTION).read_to_string(&mut text).ok()?;
        let mut lines = text.lines();
        let (boot, url, validator) = (lines.next()?, lines.next()?, lines.next()?);
        let source = Source { url: url.to_owned(), validator: validator.to_owned() };
        Some(source).filter(|_| boot == this_boot())
    }

    /// Begins again, with something of this source. Without one, the download cannot go on later.
    pub(crate) fn restart(&mut self, source: Option<&Source>) -> Result<()> {
        // In this order, because a part must not be taken for one of another source.
        match fs::remove_file(&self.description) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(&self.description, &error));
            }
            _ => {}
        }
        self.file.set_len(0).map_err(|error| failed(&self.path, &error))?;
        self.file.rewind().map_err(|error| failed(&self.path, &error))?;
        self.length = 0;
        if let Some(Source { url, validator }) = source {
            self.file.sync_all().map_err(|error| failed(&self.path, &error))?;
            let text = format!("{}\n{url}\n{validator}\n", this_boot());
            describe(&self.description, &text)
                .map_err(|error| failed(&self.description, &error))?;
        }
        Ok(())
    }

    /// Adds bytes at the end.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| failed(&self.path, &error))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Reads what is there, and stays at its end.
    pub(crate) fn read(&mut self, mut each: impl FnMut(&[u8])) -> Result<()> {
        let failed = |error: io::Error| failed(&self.path, &error);
        self.file.rewind().map_err(failed)?;
        let mut buffer = vec![0; 256 << 10];
        loop {
            match self.file.read(&mut buffer).map_err(failed)? {
                0 => break,
                read => each(&buffer[..read]),
            }
        }
        self.file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(())
    }

    /// Goes to the end of what is there.
    pub(crate) fn seek_to_end(&mut self) -> Result<()> {
        let end = self.file.seek(SeekFrom::End(0));
        self.length = end.map_err(|error| failed(&self.path, &error))?;
        Ok(())
    }

    /// Gives the file its name and its time. A file of this name is replaced only if `overwrites`.
    pub(crate) fn finish(
        mut self,
        target: &Path,
        overwrites: bool,
        modified: Option<std::time::SystemTime>,
    ) -> Result<()> {
        let failed = |error: io::Error| failed(target, &error);
        if let Some(modified) = modified {
            self.file.set_modified(modified).map_err(failed)?;
        }
        if let Ok(replaced) = fs::symlink_metadata(target) {
            // The content of a server gets no rights of a user.
            let mode = fs::Permissions::from_mode(replaced.mode() & 0o777);
            self.file.set_permissions(mode).map_err(failed)?;
        }
        self.file.sync_all().map_err(failed)?;
        let renamed = match overwrites {
            true => fs::rename(&self.path, target),
            false => rustix::fs::renameat_with(
                rustix::fs::CWD,
                &self.path,
                rustix::fs::CWD,
                target,
                rustix::fs::RenameFlags::NOREPLACE,
            )
            .map_err(io::Error::from),
        };
        match renamed {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(exists(target));
            }
            renamed => renamed.map_err(failed)?,
        }
        self.is_finished = true;
        drop(fs::remove_file(&self.description));
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = File::open(folder.unwrap_or(Path::new("."))).map_err(failed)?;
        folder.sync_all().map_err(failed)
    }

    /// Removes the part.
    pub(crate) fn remove(mut self) {
        self.length = 0;
    }
}

/// Leaves nothing behind that is of no use.
impl Drop for Part {
    fn drop(&mut self) {
        if self.length == 0 && !self.is_finished {
            drop(fs::remove_file(&self.description));
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Writes what a part is of. Without it, the download begins again. A URL may contain a secret.
fn describe(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// Returns what names the time since the machine was started. The part is not synchronized with the
/// disk while it is written, so after a power cut it may be anything.
fn this_boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.unwrap_or_default().trim().to_owned()
}

pub(crate) fn exists(path: &Path) -> Error {
    Error::new(ErrorKind::Exists, "fetch")
        .because(format!("{} exists", path.display()))
        .hint("Use --force to replace it")
}

fn failed(path: &Path, error: &io::Error) -> Error {
    let why = format!("{}: {error}", path.display());
    Error::new(Error::io("fetch", io::Error::from(error.kind())).kind(), "fetch").because(why)
}
