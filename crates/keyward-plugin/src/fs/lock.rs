//! Locks of the operating system on sentinel files: they end with the process that holds them.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use keyward_core::{EntryId, Error, ErrorKind, Guard, LockMode, Result, hex};
use sha2::{Digest, Sha256};

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
    Sentinels::of(base)?.take(name, mode, wait)
}

/// Takes a lock for which those who share it must not keep out for ever who wants it alone.
///
/// Everybody goes through a gate, and whoever wants the lock alone keeps it shut while waiting.
pub(super) fn take_fairly(
    base: &PrivateDir,
    name: &str,
    mode: LockMode,
    wait: Duration,
) -> Result<FileLock> {
    let sentinels = Sentinels::of(base)?;
    let started = Instant::now();
    let _gate = sentinels.take(&format!("{name}.gate"), mode, wait)?;
    sentinels.take(name, mode, wait.saturating_sub(started.elapsed()))
}

/// The name of an entry's lock, in which the entry cannot be read.
pub(super) fn of_entry(id: &EntryId) -> String {
    hex::encode(&Sha256::digest(id.to_bytes())[..16])
}

/// The folder of the sentinel files, open.
struct Sentinels<'a> {
    base: &'a PrivateDir,
    folder: OwnedFd,
}

impl<'a> Sentinels<'a> {
    fn of(base: &'a PrivateDir) -> Result<Self> {
        Ok(Self { base, folder: base.make_below(Path::new(FOLDER))? })
    }

    fn take(&self, name: &str, mode: LockMode, wait: Duration) -> Result<FileLock> {
        let sentinel = self.open(name)?;
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
                Err(error) => return Err(self.failed(error, name)),
            }
        }
    }

    fn open(&self, name: &str) -> Result<OwnedFd> {
        let path = Path::new(FOLDER).join(name);
        loop {
            if let Some(sentinel) = self.base.open_file(&path, false)? {
                return Ok(sentinel.into());
            }
            // Only a file that is ours from the start is handed over: what stands there already may
            // be a link to somebody else's.
            match create(&self.folder, name, self.base.owner) {
                Err(Errno::EXIST) => {}
                created => return created.map_err(|error| self.failed(error, name)),
            }
        }
    }

    fn failed(&self, error: Errno, name: &str) -> Error {
        self.base.failed("lock", error, &Path::new(FOLDER).join(name))
    }
}

fn create(dir: &OwnedFd, name: &str, owner: u32) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    let sentinel = rustix::io::retry_on_intr(|| rustix::fs::openat(dir, name, flags, mode))?;
    rustix::fs::fchmod(&sentinel, mode)?;
    hand_over(&sentinel, owner)?;
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
        // What is not empty is no sentinel, but somebody else's.
        let stat = rustix::fs::statat(&dir, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW);
        if stat.is_ok_and(|stat| stat.st_size == 0) {
            let _ = rustix::fs::unlinkat(&dir, entry.file_name(), AtFlags::empty());
        }
    }
    base.remove_empty(Path::new(FOLDER)).map(drop)
}
