use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, RawMode, Stat};
use rustix::io::Errno;

use keyward_core::{Error, ErrorKind, Result};

use super::{check, content, failed};

/// How many symbolic links one file may be reached through.
const MAX_LINKS: usize = 8;

/// A FIFO in a file's place must not make us wait for its writer.
const READ: OFlags =
    OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// The whole content of a file that everybody may read but only its owner can write, who is
/// this process's user or root: public keys, lists of recipients. `None` if there is no file.
///
/// Files that hold secrets are read through a [`PrivateDir`](super::PrivateDir), or
/// [`open_private`] where somebody named just this file.
///
/// # Errors
/// - [`Refused`](ErrorKind::Refused): it is no regular file, or others can write it.
/// - [`Corrupt`](ErrorKind::Corrupt) if there is more than `limit`.
/// - [`Unavailable`](ErrorKind::Unavailable): the operating system failed.
pub fn read_trusted(path: &Path, limit: usize) -> Result<Option<Vec<u8>>> {
    let Some((opened, stat)) = open(path)? else { return Ok(None) };
    check_trusted(&stat, FileType::RegularFile, path)?;
    content(&opened, &stat, limit, || path.display().to_string()).map(Some)
}

/// As [`read_trusted`], for a file that configures a program. The caller has checked its folder
/// with [`check_trusted_folder`].
///
/// A symbolic link is judged by the file that it leads to. The folder of that file is checked too,
/// and the folder of each link in between: who can write one of them could make the name lead to
/// another file of this user.
///
/// # Errors
/// As [`read_trusted`], and [`Refused`](ErrorKind::Refused) for a folder that others can write.
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

/// Refuses a folder of configuration in which others could put files: the files in it count for
/// what they are called, and a file of this user's under another name has another meaning.
///
/// It must belong to this process's user or to root, and neither its group nor others may write
/// it. The sticky bit changes nothing, for it lets others add files. A symbolic link is judged by
/// the folder that it leads to; the folders above are not judged.
///
/// Returns whether the folder is there.
///
/// # Errors
/// - [`Refused`](ErrorKind::Refused): it is not a folder, or others can write it.
/// - [`Unavailable`](ErrorKind::Unavailable): the operating system failed.
pub fn check_trusted_folder(path: &Path) -> Result<bool> {
    match rustix::fs::stat(path) {
        Ok(stat) => check_trusted(&stat, FileType::Directory, path).map(|()| true),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
        Err(error) => Err(failed("open", error, path)),
    }
}

/// A file with secrets in it, wherever it lies, that this process's user alone can reach. `None`
/// if there is no file. A symbolic link is followed.
///
/// # Errors
/// - [`Refused`](ErrorKind::Refused): it is no regular file, somebody else's, or others can reach it.
/// - [`Unavailable`](ErrorKind::Unavailable): the operating system failed.
pub fn open_private(path: &Path) -> Result<Option<File>> {
    let Some((opened, stat)) = open(path)? else { return Ok(None) };
    let owner = rustix::process::geteuid().as_raw();
    check(&stat, FileType::RegularFile, owner, || path.to_owned())?;
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

/// The path that a symbolic link holds, taken from the link's folder.
fn linked_path(link: &Path) -> Result<PathBuf> {
    let target =
        rustix::fs::readlink(link, Vec::new()).map_err(|error| failed("open", error, link))?;
    let folder = link.parent().unwrap_or(Path::new(""));
    Ok(folder.join(OsStr::from_bytes(target.as_bytes())))
}

/// Refuses what is not of this kind, is owned by neither this process's user nor root, or can be
/// written by others.
fn check_trusted(stat: &Stat, kind: FileType, path: &Path) -> Result<()> {
    let refused = |why: &str| {
        Error::new(ErrorKind::Refused, "open").because(format!("{} {why}", path.display()))
    };
    if FileType::from_raw_mode(stat.st_mode as RawMode) != kind {
        let meant = if kind == FileType::Directory { "folder" } else { "regular file" };
        return Err(refused(&format!("is not a {meant}")));
    }
    if stat.st_uid != 0 && stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(refused(&format!("belongs to user id {}", stat.st_uid))
            .hint("It must belong to you or to root"));
    }
    if stat.st_mode & 0o022 != 0 {
        return Err(refused("can be written by other users")
            .hint(format!("chmod go-w '{}'", path.display())));
    }
    Ok(())
}
