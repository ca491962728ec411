use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, RawMode, Stat};
use rustix::io::Errno;

use keyward_core::Result;

use crate::content::content;
use crate::error::failed;
use crate::rules::{check_own_file, check_owner, check_private, check_trusted, check_trusted_of};

/// The largest number of symbolic links on the way to a file.
const MAX_LINKS: usize = 8;

/// If a FIFO is in place of a file, opening it must not wait for a writer.
const READ: OFlags =
    OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// Returns the whole content of a file that all users may read but only its owner can write, who is
/// this process's user or root: public keys, lists of recipients. `None` if there is no file.
///
/// Read files with secrets through a [`PrivateDir`](crate::PrivateDir), or with [`open_private`] if
/// the user named this single file.
///
/// # Errors
/// - [`Refused`](keyward_core::ErrorKind::Refused): it is not a regular file, or other users can write it.
/// - [`Corrupt`](keyward_core::ErrorKind::Corrupt): the content is longer than `limit`.
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): the operating system failed.
pub fn read_trusted(path: &Path, limit: usize) -> Result<Option<Vec<u8>>> {
    let Some((opened, stat)) = open(path)? else { return Ok(None) };
    check_trusted(&stat, FileType::RegularFile, path)?;
    content(&opened, &stat, limit, || path.display().to_string()).map(Some)
}

/// Does the same as [`read_trusted`] for a file that may also belong to the user id `owner`, such as a
/// file in the home folder of a user. The real folders on the way to it are checked as well, up to the
/// root: each belongs to this process's user, to root or to `owner`, and other users cannot write it,
/// unless its sticky bit keeps them from replacing what is not theirs. It follows symbolic links.
///
/// # Errors
/// Those of [`read_trusted`], and [`Refused`](keyward_core::ErrorKind::Refused) for a folder.
pub fn read_trusted_of(path: &Path, owner: Option<u32>, limit: usize) -> Result<Option<Vec<u8>>> {
    let real = match std::fs::canonicalize(path) {
        Ok(real) => real,
        Err(error) => {
            return match Errno::from_io_error(&error) {
                Some(Errno::NOENT | Errno::NOTDIR) => Ok(None),
                errno => Err(failed("open", errno.unwrap_or(Errno::IO), path)),
            };
        }
    };
    let Some((opened, stat)) = open(&real)? else { return Ok(None) };
    check_trusted_of(&stat, FileType::RegularFile, owner, &real)?;
    for folder in real.ancestors().skip(1) {
        let stat = rustix::fs::stat(folder).map_err(|error| failed("open", error, folder))?;
        check_trusted_of(&stat, FileType::Directory, owner, folder)?;
    }
    content(&opened, &stat, limit, || real.display().to_string()).map(Some)
}

/// Does the same as [`read_trusted`] for a file that configures a program. The caller has checked
/// its folder with [`check_trusted_folder`].
///
/// For a symbolic link, the checks apply to its target. The folder of the target is checked too,
/// and the folder of each link on the way: a user who can write to one of them could make the name
/// lead to another file of this user.
///
/// # Errors
/// Those of [`read_trusted`], and [`Refused`](keyward_core::ErrorKind::Refused) for a folder that other users can
/// write to.
pub fn read_trusted_config(path: &Path, limit: usize) -> Result<Option<Vec<u8>>> {
    let mut path = path.to_owned();
    for _ in 0..=MAX_LINKS {
        match rustix::fs::open(&path, READ | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(opened) => return read_opened(&opened, &path, limit).map(Some),
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(Errno::LOOP) => path = linked_path(&path)?,
            Err(error) => return Err(failed("open", error, &path)),
        }
        if let Some(folder) = path.parent() {
            check_trusted_folder(folder)?;
        }
    }
    Err(failed("open", Errno::LOOP, &path))
}

/// Refuses a folder of configuration in which other users could put files. The name of a file in it
/// has a meaning, so that even a file of this user has another meaning under another name.
///
/// The folder must belong to this process's user or to root, and neither its group nor other users
/// may write to it. The sticky bit does not help, because it lets other users add files. A symbolic
/// link must belong to one of the two as well, because its owner could replace it; the other checks
/// apply to the target. The folders above are not checked.
///
/// Returns whether the folder exists.
///
/// # Errors
/// - [`Refused`](keyward_core::ErrorKind::Refused): it is not a folder, another user owns it or its link, or other
///   users can write to it.
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): the operating system failed.
pub fn check_trusted_folder(path: &Path) -> Result<bool> {
    let mut link = path.to_owned();
    for _ in 0..=MAX_LINKS {
        match rustix::fs::lstat(&link) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode as RawMode) == FileType::Symlink => {
                check_owner(&stat, &link)?;
                link = linked_path(&link)?;
                // As for a file: a user who can write there could put another folder in its place.
                if let Some(above) = link.parent() {
                    let stat =
                        rustix::fs::stat(above).map_err(|error| failed("open", error, above));
                    check_trusted(&stat?, FileType::Directory, above)?;
                }
            }
            Ok(stat) => return check_trusted(&stat, FileType::Directory, path).map(|()| true),
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(false),
            Err(error) => return Err(failed("open", error, path)),
        }
    }
    Err(failed("open", Errno::LOOP, path))
}

/// Opens a file with secrets, in any folder, that only this process's user can reach. `None` if
/// there is no file. It follows a symbolic link.
///
/// # Errors
/// - [`Refused`](keyward_core::ErrorKind::Refused): it is not a regular file, belongs to another user, or other
///   users can reach it.
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): the operating system failed.
pub fn open_private(path: &Path) -> Result<Option<File>> {
    let Some((opened, stat)) = open(path)? else { return Ok(None) };
    let owner = rustix::process::geteuid().as_raw();
    check_private(&stat, FileType::RegularFile, owner, || path.to_owned())?;
    Ok(Some(opened.into()))
}

/// Opens a file of this process's user, which other users may be able to read and write. `None` if
/// there is no file. It follows a symbolic link.
///
/// # Errors
/// - [`Refused`](keyward_core::ErrorKind::Refused): it is not a regular file, or belongs to another user.
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): the operating system failed.
pub fn open_own(path: &Path) -> Result<Option<File>> {
    let Some((opened, stat)) = open(path)? else { return Ok(None) };
    check_own_file(&stat, path)?;
    Ok(Some(opened.into()))
}

fn open(path: &Path) -> Result<Option<(OwnedFd, Stat)>> {
    let opened = match rustix::fs::open(path, READ, Mode::empty()) {
        Ok(opened) => opened,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(error) => return Err(failed("read", error, path)),
    };
    let stat = rustix::fs::fstat(&opened).map_err(|error| failed("read", error, path))?;
    Ok(Some((opened, stat)))
}

fn read_opened(opened: &OwnedFd, path: &Path, limit: usize) -> Result<Vec<u8>> {
    let stat = rustix::fs::fstat(opened).map_err(|error| failed("open", error, path))?;
    check_trusted(&stat, FileType::RegularFile, path)?;
    content(opened, &stat, limit, || path.display().to_string())
}

/// Returns the target of a symbolic link, relative to the link's folder.
fn linked_path(link: &Path) -> Result<PathBuf> {
    let target =
        rustix::fs::readlink(link, Vec::new()).map_err(|error| failed("open", error, link))?;
    let folder = link.parent().unwrap_or(Path::new(""));
    Ok(folder.join(OsStr::from_bytes(target.as_bytes())))
}
