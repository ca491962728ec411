//! Locks of the operating system on sentinel files. They end with the process that holds them.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use keyward_core::{EntryId, Error, ErrorKind, Guard, LockMode, Result, hex};
use sha2::{Digest, Sha256};

use super::PrivateDir;
use crate::folder::hand_over;

const FOLDER: &str = ".locks";

/// A lock on a sentinel file, held until it is dropped or the process ends.
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
    Sentinels::open_below(base)?.take(name, mode, wait)
}

/// Takes a lock so that shared holders cannot keep out an exclusive holder forever.
///
/// Every process takes a second lock, the gate, first. A process that wants the lock exclusively
/// keeps the gate while it waits.
pub(super) fn take_fairly(
    base: &PrivateDir,
    name: &str,
    mode: LockMode,
    wait: Duration,
) -> Result<FileLock> {
    let sentinels = Sentinels::open_below(base)?;
    let started = Instant::now();
    let _gate = sentinels.take(&format!("{name}.gate"), mode, wait)?;
    sentinels.take(name, mode, wait.saturating_sub(started.elapsed()))
}

/// Returns the name of an entry's lock. It does not reveal the entry.
pub(super) fn name_for_entry(id: &EntryId) -> String {
    hex::encode(&Sha256::digest(id.to_bytes())[..16])
}

/// The open folder of the sentinel files.
struct Sentinels<'a> {
    base: &'a PrivateDir,
    folder: OwnedFd,
}

impl<'a> Sentinels<'a> {
    fn open_below(base: &'a PrivateDir) -> Result<Self> {
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
            // Only a file that this process has created is given to the owner: an existing file may
            // be a link to another user's file.
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

/// Removes the sentinel files. Only for a folder that is about to be removed.
pub(super) fn clear(base: &PrivateDir) -> Result<()> {
    let Some(dir) = base.open_dir(Path::new(FOLDER))? else {
        return Ok(());
    };
    let failed = |error| base.failed("destroy", error, Path::new(FOLDER));
    for entry in rustix::fs::Dir::read_from(&dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // A file that is not empty is not a sentinel and belongs to another program.
        let stat = rustix::fs::statat(&dir, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW);
        if stat.is_ok_and(|stat| stat.st_size == 0) {
            let _ = rustix::fs::unlinkat(&dir, entry.file_name(), AtFlags::empty());
        }
    }
    base.remove_empty(Path::new(FOLDER)).map(drop)
}
