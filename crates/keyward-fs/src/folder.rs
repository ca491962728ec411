//! Creates folders that only their owner can enter.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use keyward_core::Result;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::error::failed;
use crate::rules::is_own;

pub(crate) const DIR: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Waits until the changed names of a folder are on the disk.
pub(crate) fn sync_changed(dir: &OwnedFd) -> rustix::io::Result<()> {
    rustix::io::retry_on_intr(|| rustix::fs::fsync(dir))
}

/// Creates one folder that only `owner` can enter. It is not an error if the folder exists.
pub(crate) fn make_dir(above: impl AsFd, name: &Path, owner: u32) -> rustix::io::Result<()> {
    match rustix::fs::mkdirat(&above, name, Mode::RWXU) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(()),
        Err(error) => return Err(error),
    }
    let made = rustix::fs::openat(&above, name, DIR | OFlags::NOFOLLOW, Mode::empty());
    // With a umask that removes the owner's rights, even the owner cannot open it yet.
    let made = match made {
        Err(Errno::ACCESS) if is_own(owner) => {
            rustix::fs::chmodat(&above, name, Mode::RWXU, AtFlags::empty())?;
            rustix::fs::openat(&above, name, DIR | OFlags::NOFOLLOW, Mode::empty())?
        }
        other => other?,
    };
    hand_over(&made, owner)?;
    rustix::fs::fchmod(&made, Mode::RWXU)
}

/// Gives a file or folder that this process has just created to its owner.
pub(crate) fn hand_over(made: impl AsFd, owner: u32) -> rustix::io::Result<()> {
    if is_own(owner) {
        return Ok(());
    }
    // The owner of the folder above may have replaced it by another user's folder. A folder that
    // belongs to this process's user, and that no other user can write to, cannot have been moved
    // there.
    let stat = rustix::fs::fstat(&made)?;
    if !is_own(stat.st_uid) || stat.st_mode & 0o022 != 0 {
        return Err(Errno::XDEV);
    }
    let owner = rustix::fs::Uid::from_raw(owner);
    rustix::fs::fchown(made, Some(owner), None)
}

/// Creates a folder, and those above it that are missing.
pub(crate) fn make_with_parents(path: &Path) -> Result<()> {
    let mut reached = PathBuf::new();
    for part in path.components() {
        let above =
            if reached.as_os_str().is_empty() { PathBuf::from(".") } else { reached.clone() };
        reached.push(part);
        if !matches!(part, Component::Normal(_)) || reached.is_dir() {
            continue;
        }
        let sync = || {
            let above = rustix::fs::open(&above, DIR, Mode::empty())?;
            make_dir(&above, Path::new(part.as_os_str()), rustix::process::geteuid().as_raw())?;
            rustix::io::retry_on_intr(|| rustix::fs::fsync(&above))
        };
        sync().map_err(|error| failed("create", error, &reached))?;
    }
    Ok(())
}
