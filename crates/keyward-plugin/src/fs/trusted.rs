use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, RawMode, Stat};
use rustix::io::Errno;

use keyward_core::{Error, ErrorKind, Result};

use super::{check, failed};

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
    let refused = |why: &str| {
        Error::new(ErrorKind::Refused, "read").because(format!("{} {why}", path.display()))
    };
    if FileType::from_raw_mode(stat.st_mode as RawMode) != FileType::RegularFile {
        return Err(refused("is not a regular file"));
    }
    if stat.st_uid != 0 && stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(refused(&format!("belongs to user id {}", stat.st_uid))
            .hint("It must belong to you or to root"));
    }
    if stat.st_mode & 0o022 != 0 {
        return Err(refused("can be written by other users")
            .hint(format!("chmod go-w '{}'", path.display())));
    }
    let mut content = Vec::new();
    let mut reader = File::from(opened).take(limit as u64 + 1);
    reader.read_to_end(&mut content).map_err(|error| Error::io("read", error))?;
    if content.len() > limit {
        return Err(Error::corrupt("read").because(format!("{} is too large", path.display())));
    }
    Ok(Some(content))
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
    // A FIFO in the file's place must not make us wait for its writer.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(opened) => opened,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(error) => return Err(failed("read", error, path)),
    };
    let stat = rustix::fs::fstat(&opened).map_err(|error| failed("read", error, path))?;
    Ok(Some((opened, stat)))
}
