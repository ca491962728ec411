//! Locks of the operating system on sentinel files: they end with the process that holds them.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use keyward_core::{Error, ErrorKind, Guard, LockMode, Result};

use super::{PrivateDir, hand_over};

const FOLDER: &str = ".locks";

/// A lock on a sentinel file, held until dropped or until the process ends.
#[derive(Debug)]
pub struct FileLock {
    _sentinel: OwnedFd,
}

impl Guard for FileLock {
    /// Such a lock lasts as long as it is held.
    fn renew(&mut self, _: Duration) -> Result<()> {
        Ok(())
    }
}

pub(super) fn take(
    base: &PrivateDir,
    name: &str,
    mode: LockMode,
    wait: Duration,
) -> Result<FileLock> {
    let sentinel = open(base, name)?;
    let operation = match mode {
        LockMode::Shared => FlockOperation::NonBlockingLockShared,
        LockMode::Exclusive => FlockOperation::NonBlockingLockExclusive,
    };
    let started = Instant::now();
    let mut pause = Duration::from_micros(200);
    loop {
        match rustix::fs::flock(&sentinel, operation) {
            Ok(()) => return Ok(FileLock { _sentinel: sentinel }),
            Err(Errno::WOULDBLOCK | Errno::INTR) if started.elapsed() < wait => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(10));
            }
            Err(Errno::WOULDBLOCK | Errno::INTR) => {
                return Err(Error::new(ErrorKind::Locked, "lock").because(format!(
                    "another process has held the lock for {} seconds",
                    wait.as_secs()
                )));
            }
            Err(error) => return Err(base.failed("lock", error, &Path::new(FOLDER).join(name))),
        }
    }
}

fn open(base: &PrivateDir, name: &str) -> Result<OwnedFd> {
    let path = Path::new(FOLDER).join(name);
    let failed = |error| base.failed("lock", error, &path);
    let flags =
        OFlags::RDONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let open_in = |dir: &OwnedFd| {
        rustix::io::retry_on_intr(|| rustix::fs::openat(dir, name, flags, Mode::RUSR | Mode::WUSR))
    };
    base.make_below(Path::new(FOLDER))?;
    let Some(dir) = base.open_dir(Path::new(FOLDER))? else {
        return Err(failed(Errno::NOENT));
    };
    let sentinel = match open_in(&dir) {
        // Made under a umask that takes the owner's rights as well.
        Err(Errno::ACCESS) => {
            rustix::fs::chmodat(&dir, name, Mode::RUSR | Mode::WUSR, AtFlags::empty())
                .map_err(failed)?;
            open_in(&dir)
        }
        other => other,
    };
    let sentinel = sentinel.map_err(failed)?;
    hand_over(&sentinel, base.owner).map_err(failed)?;
    Ok(sentinel)
}

/// Removes the sentinels; only for a folder that is about to go.
pub(super) fn clear(base: &PrivateDir) -> Result<()> {
    let Some(dir) = base.open_dir(Path::new(FOLDER))? else {
        return Ok(());
    };
    let failed = |error| base.failed("destroy", error, Path::new(FOLDER));
    for entry in rustix::fs::Dir::read_from(&dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            let _ = rustix::fs::unlinkat(&dir, entry.file_name(), AtFlags::empty());
        }
    }
    base.remove_empty(Path::new(FOLDER)).map(drop)
}
