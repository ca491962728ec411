use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use keyward_core::{EntryId, Error, ErrorKind, Guard, LockMode, Result};

use crate::content::content;
use crate::error::failed;
use crate::folder::{DIR, make_dir, make_with_parents, sync_changed};
use crate::report::not_enrolled;
use crate::rules::check_private;

mod append;
mod below;
pub(crate) mod lock;
mod temp;

use lock::FileLock;

/// If a FIFO is in place of a file, opening it must not wait for a writer.
const AT_ONCE: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY);

/// How many times to create a folder that another process removes again.
const ATTEMPTS: usize = 16;

/// A folder that only its owner can enter, and everything below it.
///
/// New folders have the mode 0700 and new files 0600 from the start, with any umask. An existing
/// folder is used only if no other user can write to it, and an existing file only if it is a
/// regular file of the same owner that no other user can read. Symbolic links below the folder are
/// never followed, and a path cannot lead out of the folder. Writes are atomic, and durable when
/// they return.
///
/// # Errors
/// - [`Refused`](ErrorKind::Refused): owner, permissions or kind of file are wrong.
/// - [`Full`](ErrorKind::Full), [`Unavailable`](ErrorKind::Unavailable): the operating system
///   failed; the old content is still there, unless the message says that the new content is, but
///   may not survive a power cut.
///
/// # Examples
/// ```
/// use std::path::Path;
///
/// use keyward_fs::PrivateDir;
///
/// let scratch = tempfile::tempdir()?;
/// let dir = PrivateDir::create(&scratch.path().join("keys"))?;
/// dir.replace(Path::new("ann/work"), b"blob")?;
/// assert_eq!(dir.read(Path::new("ann/work"), 1024)?.as_deref(), Some(&b"blob"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PrivateDir {
    path: PathBuf,
    root: OwnedFd,
    owner: u32,
}

#[expect(
    clippy::missing_errors_doc,
    reason = "the page of the type lists the errors of all of them"
)]
impl PrivateDir {
    /// Opens the folder, if it exists.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        Self::open_for(path, rustix::process::geteuid().as_raw())
    }

    /// Opens a folder that belongs to `owner`, for whom an administrator acts. What is created in
    /// it will also belong to the owner.
    pub fn open_for(path: &Path, owner: u32) -> Result<Option<Self>> {
        let root = match rustix::fs::open(path, DIR, Mode::empty()) {
            Ok(root) => root,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(failed("open", error, path)),
        };
        let stat = rustix::fs::fstat(&root).map_err(|error| failed("open", error, path))?;
        check_private(&stat, FileType::Directory, owner, || path.to_owned())?;
        Ok(Some(Self { path: path.to_owned(), root, owner }))
    }

    /// Opens the folder. Creates it, and its parents, if it is missing.
    pub fn create(path: &Path) -> Result<Self> {
        // Another process may remove it immediately after it was created. A dangling symbolic link
        // never opens.
        for _ in 0..ATTEMPTS {
            if let Some(dir) = Self::open(path)? {
                return Ok(dir);
            }
            make_with_parents(path)?;
        }
        Err(failed("create", Errno::NOENT, path))
    }

    /// Opens the folder that belongs to `owner`; without an owner, opens or creates a folder of
    /// this process's user.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) if the owner's folder is missing: only an administrator
    /// creates it.
    pub fn create_for(path: &Path, owner: Option<u32>) -> Result<Self> {
        match owner {
            None => Self::create(path),
            Some(owner) => Self::open_for(path, owner)?.ok_or_else(|| not_enrolled(owner)),
        }
    }

    /// Creates a folder for `owner` in one that belongs to this process's user. An existing folder
    /// is checked.
    pub fn make_for(path: &Path, owner: u32) -> Result<Self> {
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Error::invalid("path", "a folder needs a name"));
        };
        let above_dir = rustix::fs::open(above, DIR, Mode::empty())
            .map_err(|error| failed("create", error, above))?;
        make_dir(&above_dir, Path::new(name), owner)
            .map_err(|error| failed("create", error, path))?;
        rustix::io::retry_on_intr(|| rustix::fs::fsync(&above_dir))
            .map_err(|error| failed("create", error, above))?;
        let made = Self::open_for(path, owner)?;
        let made = made.ok_or_else(|| failed("create", Errno::NOENT, path))?;
        made.hand_over_late(&made.root)?;
        Ok(made)
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether files can be created in the folder; they cannot on a disk that is mounted read-only.
    pub fn can_be_written(&self) -> bool {
        rustix::fs::access(&self.path, Access::WRITE_OK).is_ok()
    }

    /// Returns the whole content of a file; `None` if there is no such file.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if the content is longer than `limit`.
    pub fn read(&self, file: &Path, limit: usize) -> Result<Option<Vec<u8>>> {
        let Some((opened, stat)) = self.open_as(file, OFlags::RDONLY | AT_ONCE)? else {
            return Ok(None);
        };
        content(&opened, &stat, limit, || self.shown(file)).map(Some)
    }

    /// Opens a file for a library that reads and writes it itself; `None` if there is none.
    pub fn open_file(&self, file: &Path, write: bool) -> Result<Option<File>> {
        let access = if write { OFlags::RDWR } else { OFlags::RDONLY };
        let opened = self.open_as(file, access | AT_ONCE)?;
        Ok(opened.map(|(opened, _)| File::from(opened)))
    }

    /// Whether there is such a file, with the right type, owner and permissions.
    ///
    /// The file is checked without being opened: SQLite loses its locks when its process closes the
    /// database a second time.
    pub fn contains(&self, file: &Path) -> Result<bool> {
        Ok(self.open_as(file, OFlags::PATH)?.is_some())
    }

    /// Writes a file, and replaces an existing one.
    pub fn replace(&self, file: &Path, content: &[u8]) -> Result<()> {
        self.put(
            file,
            |temp, parent, name| rustix::fs::renameat(temp.dir(), temp.name(), parent, name),
            content,
        )
    }

    /// Writes a file, unless it exists.
    ///
    /// # Errors
    /// [`Exists`](ErrorKind::Exists) if it exists; then it stays as it is.
    pub fn create_new(&self, file: &Path, content: &[u8]) -> Result<()> {
        self.put(
            file,
            |temp, parent, name| {
                rustix::fs::linkat(temp.dir(), temp.name(), parent, name, AtFlags::empty())?;
                rustix::fs::unlinkat(temp.dir(), temp.name(), AtFlags::empty())
            },
            content,
        )
    }

    /// Removes a file, and returns whether it existed.
    pub fn remove(&self, file: &Path) -> Result<bool> {
        let Some((parent, name)) = self.parent(file, false)? else {
            return Ok(false);
        };
        match rustix::fs::unlinkat(&parent, name, AtFlags::empty()) {
            Ok(()) => {}
            Err(Errno::NOENT) => return Ok(false),
            Err(error) => return Err(self.failed("delete", error, file)),
        }
        let done = "is removed, but may be there again after a power cut";
        sync_changed(&parent).map_err(|error| self.not_durable("delete", file, done, error))?;
        Ok(true)
    }

    /// Removes a subfolder if it is empty, and returns whether it no longer exists.
    pub fn remove_empty(&self, dir: &Path) -> Result<bool> {
        let Some((parent, name)) = self.parent(dir, false)? else {
            return Ok(true);
        };
        match rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR) {
            Ok(()) => self.sync(&parent).map(|()| true),
            Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(self.failed("delete", error, dir)),
        }
    }

    /// Removes the temporary files of interrupted writers.
    pub fn sweep(&self) -> Result<()> {
        temp::sweep(self)
    }

    /// Removes the folder itself, with its locks and temporary files, if it contains nothing else
    /// and is not a symbolic link. Returns whether it no longer exists;
    /// [`report_folder_stays`](crate::report_folder_stays) reports why it does.
    pub fn destroy(self) -> Result<bool> {
        temp::clear(&self)?;
        lock::clear(&self)?;
        match rustix::fs::rmdir(&self.path) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
            // The path is a symbolic link to the folder.
            Err(Errno::NOTDIR) => Ok(false),
            // A disk is mounted here, or another user owns the folder above.
            Err(Errno::BUSY | Errno::ACCESS | Errno::PERM) => Ok(false),
            Err(error) => Err(failed("destroy", error, &self.path)),
        }
    }

    /// Opens a subfolder for listing; `None` if it does not exist.
    pub fn open_dir(&self, dir: &Path) -> Result<Option<OwnedFd>> {
        let path = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        let opened = match self.resolve(path, DIR) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(self.failed("open", error, dir)),
        };
        let stat = rustix::fs::fstat(&opened).map_err(|error| self.failed("open", error, dir))?;
        check_private(&stat, FileType::Directory, self.owner, || self.path.join(dir))?;
        Ok(Some(opened))
    }

    /// Takes a lock that all processes of this machine see, and waits for it at most `wait`.
    ///
    /// # Errors
    /// [`Locked`](ErrorKind::Locked) if it does not get the lock in this time.
    pub fn lock(&self, name: &str, mode: LockMode, wait: std::time::Duration) -> Result<FileLock> {
        lock::take(self, name, mode, wait)
    }

    /// Takes the lock of an entry with the promises of [`Locks`](keyward_core::Locks).
    ///
    /// Several holders may share it. They do not starve a process that wants it exclusively:
    /// processes that come later wait until that one has had it.
    ///
    /// # Errors
    /// [`Locked`](ErrorKind::Locked) if it does not get the lock in this time.
    pub fn lock_entry(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: std::time::Duration,
    ) -> Result<Box<dyn Guard>> {
        Ok(Box::new(lock::take_fairly(self, &lock::name_for_entry(id), mode, wait)?))
    }

    fn put(
        &self,
        file: &Path,
        place: impl Fn(&temp::Temp, &OwnedFd, &str) -> rustix::io::Result<()>,
        content: &[u8],
    ) -> Result<()> {
        let Some((parent, name)) = self.parent(file, true)? else {
            return Err(self.failed("write", Errno::NOENT, file));
        };
        let temp = temp::Temp::write(self, content)?;
        match place(&temp, &parent, name) {
            Ok(()) => temp.keep(),
            Err(Errno::EXIST) => return Err(Error::new(ErrorKind::Exists, "write")),
            Err(error) => return Err(self.failed("write", error, file)),
        }
        let done = "has the new value, but that may not survive a power cut";
        sync_changed(&parent).map_err(|error| self.not_durable("write", file, done, error))
    }

    fn sync(&self, dir: &OwnedFd) -> Result<()> {
        sync_changed(dir).map_err(|error| failed("write", error, &self.path))
    }

    /// Returns the error for a change that was made but may not survive a power cut. It is
    /// `Unavailable` for every error of the disk: the caller must not assume that nothing was
    /// changed.
    fn not_durable(&self, operation: &'static str, file: &Path, done: &str, error: Errno) -> Error {
        let error = std::io::Error::from(error);
        Error::new(ErrorKind::Unavailable, operation)
            .because(format!("{} {done}: {error}", self.shown(file)))
            .hint("Check the disk, then repeat the command")
            .caused_by(error)
    }

    fn shown(&self, file: &Path) -> String {
        self.path.join(file).display().to_string()
    }

    fn failed(&self, operation: &'static str, error: Errno, file: &Path) -> Error {
        let path = self.path.join(file);
        match error {
            Errno::NOTDIR | Errno::ISDIR | Errno::NXIO => Error::new(ErrorKind::Refused, operation)
                .because(format!("{} has the wrong type", path.display())),
            _ => failed(operation, error, &path),
        }
    }
}
