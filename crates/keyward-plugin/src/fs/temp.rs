//! Temporary files: held by a lock as long as somebody writes them, so that what an
//! interrupted writer left can be told apart and swept.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use keyward_core::{Error, Result};

use super::{PrivateDir, hand_over};
use crate::random;

const FOLDER: &str = ".tmp";

/// How many random bytes a temporary file is named by, in hexadecimal.
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
    /// Writes `content` to a new file and waits until it is on the disk. Sweeps on the way.
    pub(super) fn write(base: &PrivateDir, content: &[u8]) -> Result<Self> {
        base.make_below(Path::new(FOLDER))?;
        sweep(base)?;
        let failed = |error: std::io::Error| {
            let why = format!("{}: {error}", base.path().display());
            Error::io("write", error).because(why)
        };
        let mut temp = Self::create(base)?;
        temp._file.write_all(content).map_err(failed)?;
        temp._file.sync_all().map_err(failed)?;
        Ok(temp)
    }

    fn create(base: &PrivateDir) -> Result<Self> {
        let failed = |error| base.failed("write", error, Path::new(FOLDER));
        loop {
            let Some(dir) = base.open_dir(Path::new(FOLDER))? else {
                return Err(failed(Errno::NOENT));
            };
            let name: String =
                random::<RANDOM>()?.iter().map(|byte| format!("{byte:02x}")).collect();
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
            // Between creation and lock a sweeper may have taken it for a left-over.
            let stat = rustix::fs::fstat(&temp._file).map_err(failed)?;
            if stat.st_nlink == 0 {
                continue;
            }
            rustix::fs::fchmod(&temp._file, Mode::RUSR | Mode::WUSR).map_err(failed)?;
            let file = temp
                ._file
                .as_fd()
                .try_clone_to_owned()
                .map_err(|error| Error::io("write", error))?;
            hand_over(&file, base.owner).map_err(failed)?;
            return Ok(temp);
        }
    }

    pub(super) fn dir(&self) -> &OwnedFd {
        &self.dir
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// It has been put in place under its final name.
    pub(super) fn keep(mut self) {
        self.placed = true;
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.placed {
            // Nothing more can be done about it; the next writer sweeps.
            let _ = rustix::fs::unlinkat(&self.dir, &self.name, AtFlags::empty());
        }
    }
}

/// Removes the temporary files that nobody holds any more.
pub(super) fn sweep(base: &PrivateDir) -> Result<()> {
    each(base, |dir, name| {
        if !is_ours(name.to_bytes()) {
            return;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(file) = rustix::fs::openat(dir, name, flags, Mode::empty()) else {
            return;
        };
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = rustix::fs::unlinkat(dir, name, AtFlags::empty());
        }
    })
}

/// Whether a temporary file of ours can have this name. A home folder may have a `.tmp` as well.
fn is_ours(name: &[u8]) -> bool {
    name.len() == 2 * RANDOM && name.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Removes the folder of temporary files.
pub(super) fn clear(base: &PrivateDir) -> Result<()> {
    sweep(base)?;
    base.remove_empty(Path::new(FOLDER)).map(drop)
}

fn each(base: &PrivateDir, visit: impl Fn(&OwnedFd, &std::ffi::CStr)) -> Result<()> {
    let Some(dir) = base.open_dir(Path::new(FOLDER))? else {
        return Ok(());
    };
    let failed = |error| base.failed("sweep", error, Path::new(FOLDER));
    for entry in Dir::read_from(&dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            visit(&dir, entry.file_name());
        }
    }
    Ok(())
}
