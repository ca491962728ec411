use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use keyward_core::{Error, ErrorKind, Result};
use rustix::fs::{Dir, FileType, OFlags, Stat};
use rustix::io::Errno;

use crate::beneath;
use crate::content::content;
use crate::error::failed;
use crate::folder::DIR;
use crate::rules::{check_kind, check_owner, refused};

/// How many bytes, files and levels of folders are read at most.
#[derive(Clone, Copy, Debug)]
pub struct TreeLimits {
    /// The largest file, in bytes.
    pub file: usize,
    /// The most files and folders together.
    pub entries: usize,
    /// The most levels of folders.
    pub depth: usize,
    /// The most bytes of all files together.
    pub total: usize,
}

/// A folder of files that other programs write, such as a project, and everything below it.
///
/// The folder and all that is read below it must belong to this process's user or to root. Symbolic
/// links below the folder are never followed, and a path cannot lead out of the folder or to
/// another file system. Modes are not checked: the caller compares the content, for example with a
/// digest.
///
/// # Errors
/// - [`Refused`](ErrorKind::Refused): wrong owner, a symbolic link, not a regular file or folder,
///   or more than the limits allow.
/// - [`Unavailable`](ErrorKind::Unavailable): the operating system failed.
///
/// # Examples
/// ```
/// use std::path::Path;
///
/// use keyward_fs::OwnedTree;
///
/// let scratch = tempfile::tempdir()?;
/// std::os::unix::fs::symlink("/etc/passwd", scratch.path().join("link"))?;
/// let tree = OwnedTree::open(scratch.path())?;
/// assert_eq!(tree.read(Path::new("missing"), 1024)?, None);
/// assert!(tree.read(Path::new("link"), 1024).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OwnedTree {
    path: PathBuf,
    root: OwnedFd,
}

#[expect(
    clippy::missing_errors_doc,
    reason = "the page of the type lists the errors of all of them"
)]
impl OwnedTree {
    /// Opens the folder. Its path must not end with a symbolic link.
    pub fn open(path: &Path) -> Result<Self> {
        let root = rustix::fs::open(path, DIR | OFlags::NOFOLLOW, rustix::fs::Mode::empty())
            .map_err(|error| failed("open", error, path))?;
        let stat = rustix::fs::fstat(&root).map_err(|error| failed("open", error, path))?;
        check_owner(&stat, path)?;
        Ok(Self { path: path.to_owned(), root })
    }

    /// Returns the whole content of a file, which has at most `limit` bytes; `None` if there is no
    /// file.
    pub fn read(&self, file: &Path, limit: usize) -> Result<Option<Vec<u8>>> {
        let Some((opened, stat)) = self.open_below(file)? else { return Ok(None) };
        self.content(&opened, &stat, file, limit).map(Some)
    }

    /// Returns the paths and contents of all files below a folder, sorted by path; none if there is
    /// no such folder.
    pub fn read_all(&self, folder: &Path, limits: TreeLimits) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let mut reading = Reading { tree: self, limits, entries: 0, total: 0, files: Vec::new() };
        if let Some(opened) = self.open_below(folder)? {
            reading.add_folder(folder, &opened, 1)?;
        }
        reading.files.sort();
        Ok(reading.files)
    }

    /// Returns the names in an opened folder: at most one more than `most`.
    fn names(&self, opened: &OwnedFd, folder: &Path, most: usize) -> Result<Vec<PathBuf>> {
        let failed = |error| failed("read", error, &self.path.join(folder));
        let mut names = Vec::new();
        for entry in Dir::read_from(opened).map_err(failed)? {
            let name = entry.map_err(failed)?;
            let name = name.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(PathBuf::from(OsStr::from_bytes(name)));
            }
            if names.len() > most {
                break;
            }
        }
        Ok(names)
    }

    /// Opens a file or folder and checks its owner.
    fn open_below(&self, path: &Path) -> Result<Option<(OwnedFd, Stat)>> {
        let open = |flags| match beneath::open(&self.root, path, flags) {
            Err(Errno::NOSYS) => beneath::open_in_steps(&self.root, path, flags),
            opened => opened,
        };
        let shown = || self.path.join(path);
        // If a FIFO or a device is in place of a file, nothing must wait for it or reach it.
        let looked = open(OFlags::PATH | OFlags::CLOEXEC);
        let stat = match looked.and_then(rustix::fs::fstat) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::NOTDIR) => return Err(refused(&shown(), "is not in a folder")),
            Err(Errno::LOOP) => return Err(refused(&shown(), "is a symbolic link")),
            Err(Errno::XDEV) => return Err(refused(&shown(), "is on another file system")),
            Err(error) => return Err(failed("read", error, &shown())),
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            check_kind(&stat, FileType::RegularFile, shown)?;
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = match open(flags) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(failed("read", error, &shown())),
        };
        let stat = rustix::fs::fstat(&opened).map_err(|error| failed("read", error, &shown()))?;
        check_owner(&stat, &shown())?;
        Ok(Some((opened, stat)))
    }

    fn content(&self, opened: &OwnedFd, stat: &Stat, file: &Path, limit: usize) -> Result<Vec<u8>> {
        let path = self.path.join(file);
        check_kind(stat, FileType::RegularFile, || path.clone())?;
        if stat.st_size as u64 > limit as u64 {
            return Err(refused(&path, &format!("is larger than {limit} bytes")));
        }
        content(opened, stat, limit, || path.display().to_string()).map_err(|error| {
            match error.kind() {
                ErrorKind::Corrupt => {
                    Error::new(ErrorKind::Refused, "open").because(error.message())
                }
                _ => error,
            }
        })
    }
}

/// The files of a folder that were read so far.
struct Reading<'a> {
    tree: &'a OwnedTree,
    limits: TreeLimits,
    entries: usize,
    total: usize,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Reading<'_> {
    /// Adds all files of an opened folder at this depth, and of those below it.
    fn add_folder(
        &mut self,
        folder: &Path,
        (opened, stat): &(OwnedFd, Stat),
        depth: usize,
    ) -> Result<()> {
        let path = self.tree.path.join(folder);
        check_kind(stat, FileType::Directory, || path.clone())?;
        if depth > self.limits.depth {
            let why = format!("is more than {} levels deep", self.limits.depth);
            return Err(refused(&path, &why));
        }
        for name in self.tree.names(opened, folder, self.limits.entries)? {
            self.entries += 1;
            if self.entries > self.limits.entries {
                return Err(refused(&path, "contains too many files"));
            }
            self.add(folder.join(name), depth)?;
            if self.total > self.limits.total {
                return Err(refused(&path, "contains too many bytes"));
            }
        }
        Ok(())
    }

    fn add(&mut self, path: PathBuf, depth: usize) -> Result<()> {
        // A file that another process has just removed is not there.
        let Some(found) = self.tree.open_below(&path)? else { return Ok(()) };
        if FileType::from_raw_mode(found.1.st_mode) == FileType::Directory {
            return self.add_folder(&path, &found, depth + 1);
        }
        let content = self.tree.content(&found.0, &found.1, &path, self.limits.file)?;
        self.total += content.len();
        self.files.push((path, content));
        Ok(())
    }
}
