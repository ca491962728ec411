//! Checks the place of a plugin: only its user and the administrator may be able to replace it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, RawMode, Stat};
use rustix::io::Errno;

use keyward_core::{Error, Result};
use keyward_fs::check_trusted;

use crate::errors::{refused, unreadable, unusable};
use crate::rights;

/// The size of the largest plugin, in bytes.
pub(crate) const MAX_SIZE: u64 = 256 << 20;

const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A file in a place where a plugin may be.
#[derive(Debug)]
pub(crate) struct Placed {
    file: File,
    stat: Stat,
}

/// Opens the file at this absolute path, if it and every folder above it belong to root or to this
/// process's user and no other user can write to them.
///
/// No part of the path may be a symbolic link, not even one of root's. So the file has only this
/// name, and the file that is shown when the user trusts it is the file that is opened later. Each
/// folder is opened relative to the one before and checked through its descriptor, never by its
/// name again. In a sticky folder such as `/tmp`, other users may make files, but cannot replace
/// this one.
///
/// # Errors
/// - [`Refused`](keyward_core::ErrorKind::Refused): path, owner, permissions or kind of file are
///   wrong, or the process has more rights than the user who started it.
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): it does not exist, is too large or
///   cannot be opened.
pub(crate) fn open(path: &Path) -> Result<Placed> {
    rights::check()?;
    let (name, folders) = parts(path)?;
    let mut reached = PathBuf::from("/");
    let mut folder =
        rustix::fs::open("/", LOOK, Mode::empty()).map_err(|error| unreadable(&reached, error))?;
    check(&stat(&folder, &reached)?, FileType::Directory, &reached, path)?;
    for part in folders {
        reached.push(part);
        folder = step(&folder, part, FileType::Directory, &reached, path)?;
    }
    // Only what is known to be a file is opened for reading: opening a device can have effects.
    step(&folder, name, FileType::RegularFile, path, path)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = rustix::fs::openat(&folder, name, flags | OFlags::NOCTTY, Mode::empty())
        .map_err(|error| unreadable(path, error))?;
    let stat = stat(&file, path)?;
    check(&stat, FileType::RegularFile, path, path)?;
    let placed = Placed { file: file.into(), stat };
    if placed.size() > MAX_SIZE { Err(too_large(path)) } else { Ok(placed) }
}

impl Placed {
    /// The id of the user that it belongs to.
    #[cfg(feature = "loaded")]
    pub(crate) fn owner(&self) -> u32 {
        self.stat.st_uid
    }

    /// Its permissions.
    #[cfg(feature = "loaded")]
    pub(crate) fn mode(&self) -> u32 {
        self.stat.st_mode & 0o7777
    }

    /// Whether its content starts with these bytes.
    pub(crate) fn starts_with(&self, prefix: &[u8], path: &Path) -> Result<bool> {
        let mut start = vec![0; prefix.len()];
        match self.file.read_exact_at(&mut start, 0) {
            Ok(()) => Ok(start == prefix),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(unreadable(path, error)),
        }
    }

    /// Copies the content into an empty file; not all of it if it is too large by now. The kernel
    /// copies it where it can, without memory of this process.
    pub(crate) fn copy_into(&self, mut copy: &File) -> io::Result<()> {
        let mut source = &self.file;
        source.rewind()?;
        io::copy(&mut source.take(MAX_SIZE), &mut copy).map(drop)
    }

    /// Reads the whole content, once.
    pub(crate) fn read(&self, path: &Path) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        content.try_reserve_exact(self.size() as usize + 1).map_err(|error| {
            let why = format!("{} does not fit into memory", path.display());
            unusable(why).caused_by(error)
        })?;
        let mut reader = (&self.file).take(MAX_SIZE + 1);
        reader.read_to_end(&mut content).map_err(|error| unreadable(path, error))?;
        if content.len() as u64 > MAX_SIZE { Err(too_large(path)) } else { Ok(content) }
    }

    fn size(&self) -> u64 {
        self.stat.st_size as u64
    }
}

/// Returns the last part of a path and the parts before it.
fn parts(path: &Path) -> Result<(&OsStr, Vec<&OsStr>)> {
    let bytes = path.as_os_str().as_bytes();
    let mut parts = bytes.split(|byte| *byte == b'/').map(OsStr::from_bytes);
    let absolute = parts.next() == Some(OsStr::new(""));
    let mut parts: Vec<_> = parts.collect();
    let dots = parts.iter().any(|part| ["", ".", ".."].iter().any(|dots| part == dots));
    let plain = !dots && !bytes.iter().any(u8::is_ascii_control);
    match parts.pop() {
        Some(name) if absolute && plain => Ok((name, parts)),
        _ => Err(refused(format_args!("{path:?} is not a plain absolute path"))
            .hint("It starts with `/`; no part of it is empty, `.` or `..`")),
    }
}

fn step(
    folder: &OwnedFd,
    part: &OsStr,
    kind: FileType,
    reached: &Path,
    path: &Path,
) -> Result<OwnedFd> {
    let next = match rustix::fs::openat(folder, part, LOOK, Mode::empty()) {
        Ok(next) => next,
        Err(Errno::NOENT) => {
            return Err(unusable(format_args!("{} does not exist", reached.display())));
        }
        Err(error) => return Err(unreadable(reached, error)),
    };
    check(&stat(&next, reached)?, kind, reached, path)?;
    Ok(next)
}

fn stat(file: &OwnedFd, reached: &Path) -> Result<Stat> {
    rustix::fs::fstat(file).map_err(|error| unreadable(reached, error))
}

/// Checks one step on the way to `path`.
fn check(stat: &Stat, kind: FileType, reached: &Path, path: &Path) -> Result<()> {
    if FileType::from_raw_mode(stat.st_mode as RawMode) == FileType::Symlink {
        let error = refused(format_args!("{} is a symbolic link", reached.display()));
        return Err(match std::fs::canonicalize(path) {
            Ok(real) => error.hint(format!("Name the file itself: {}", real.display())),
            Err(_) => error,
        });
    }
    let mut stat = *stat;
    let is_sticky = kind == FileType::Directory && stat.st_mode & 0o1000 != 0;
    if is_sticky {
        stat.st_mode &= !0o022;
    }
    check_trusted(&stat, kind, reached)
}

fn too_large(path: &Path) -> Error {
    unusable(format_args!("{} is larger than {} MiB", path.display(), MAX_SIZE >> 20))
}
