//! Temporary files. A writer holds a lock on its file, so that the files of interrupted writers can
//! be recognized and removed.

use std::ffi::CStr;
use std::fs::File;
use std::io::Write;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, RawDir};

use keyward_core::{Error, Result, hex};

use super::PrivateDir;
use crate::folder::hand_over;
use crate::random::random;

const FOLDER: &str = ".tmp";

/// The number of random bytes in the name of a temporary file, which has them in hexadecimal.
const RANDOM: usize = 12;

/// A complete temporary file, removed when dropped unless it was put in place.
pub(super) struct Temp {
    dir: OwnedFd,
    name: String,
    placed: bool,
    /// Holds the lock.
    _file: File,
}

impl Temp {
    /// Writes `content` to a new file and waits until it is on the disk. It first removes the files
    /// of interrupted writers.
    pub(super) fn write(base: &PrivateDir, content: &[u8]) -> Result<Self> {
        let dir = base.make_below(Path::new(FOLDER))?;
        sweep_in(base, &dir)?;
        let failed = |error: std::io::Error| {
            let why = format!("{}: {error}", base.path().display());
            Error::io("write", error).because(why)
        };
        let mut temp = Self::create(base, dir)?;
        temp._file.write_all(content).map_err(failed)?;
        temp._file.sync_all().map_err(failed)?;
        Ok(temp)
    }

    fn create(base: &PrivateDir, mut dir: OwnedFd) -> Result<Self> {
        let failed = |error| base.failed("write", error, Path::new(FOLDER));
        loop {
            let name = hex::encode(&random::<RANDOM>()?);
            let flags =
                OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = rustix::io::retry_on_intr(|| {
                rustix::fs::openat(&dir, &name, flags, Mode::RUSR | Mode::WUSR)
            })
            .map_err(failed)?;
            let temp = Self { dir, name, placed: false, _file: File::from(file) };
            rustix::io::retry_on_intr(|| {
                rustix::fs::flock(&temp._file, FlockOperation::LockExclusive)
            })
            .map_err(failed)?;
            // Between creation and lock another writer may have removed it as a file of an
            // interrupted writer.
            let stat = rustix::fs::fstat(&temp._file).map_err(failed)?;
            if stat.st_nlink == 0 {
                dir = base.reach(Path::new(FOLDER))?;
                continue;
            }
            rustix::fs::fchmod(&temp._file, Mode::RUSR | Mode::WUSR).map_err(failed)?;
            hand_over(&temp._file, base.owner).map_err(failed)?;
            return Ok(temp);
        }
    }

    pub(super) fn dir(&self) -> &OwnedFd {
        &self.dir
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Records that the file was renamed to its final name.
    pub(super) fn keep(mut self) {
        self.placed = true;
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.placed {
            // An error is ignored: the next writer removes the file.
            let _ = rustix::fs::unlinkat(&self.dir, &self.name, AtFlags::empty());
        }
    }
}

/// Removes the temporary files on which no process holds a lock.
pub(super) fn sweep(base: &PrivateDir) -> Result<()> {
    match base.open_dir(Path::new(FOLDER))? {
        Some(dir) => sweep_in(base, &dir),
        None => Ok(()),
    }
}

/// Removes those in a folder that was just opened.
fn sweep_in(base: &PrivateDir, dir: &OwnedFd) -> Result<()> {
    let mut buffer = [MaybeUninit::uninit(); 1024];
    let mut entries = RawDir::new(dir, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|error| base.failed("sweep", error, Path::new(FOLDER)))?;
        if is_ours(entry.file_name().to_bytes()) {
            remove_left_over(dir, entry.file_name());
        }
    }
    Ok(())
}

/// Removes a temporary file, unless a process still holds its lock.
fn remove_left_over(dir: &OwnedFd, name: &CStr) {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::openat(dir, name, flags, Mode::empty()) else { return };
    if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
        let _ = rustix::fs::unlinkat(dir, name, AtFlags::empty());
    }
}

/// Whether a temporary file of this module can have this name. A home folder may contain a `.tmp`
/// too.
fn is_ours(name: &[u8]) -> bool {
    name.len() == 2 * RANDOM && name.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Removes the folder of temporary files.
pub(super) fn clear(base: &PrivateDir) -> Result<()> {
    sweep(base)?;
    base.remove_empty(Path::new(FOLDER)).map(drop)
}
