//! Adds to the end of a file.

use std::os::fd::OwnedFd;
use std::path::Path;

use keyward_core::{Error, ErrorKind, Result};
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{AT_ONCE, ATTEMPTS, PrivateDir};
use crate::folder::{hand_over, sync_changed};
use crate::rules::{check_kind, check_private};

const APPEND: OFlags =
    OFlags::WRONLY.union(OFlags::APPEND).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

impl PrivateDir {
    /// Adds these bytes to the end of a file in one write, so that those of several processes do not
    /// mix, and waits until they are on the disk. It creates the file if it is missing.
    ///
    /// A file that belongs to root may be one that others can reach: an administrator can let users
    /// add to a file that they cannot read.
    ///
    /// # Errors
    /// [`Full`](ErrorKind::Full) if only a part could be written.
    pub fn append(&self, file: &Path, bytes: &[u8]) -> Result<()> {
        let opened = self.open_to_append(file)?;
        let failed = |error| self.failed("write", error, file);
        let written =
            rustix::io::retry_on_intr(|| rustix::io::write(&opened, bytes)).map_err(failed)?;
        if written < bytes.len() {
            let why = format!("{}: only a part could be written", self.shown(file));
            return Err(Error::new(ErrorKind::Full, "write").because(why));
        }
        rustix::io::retry_on_intr(|| rustix::fs::fdatasync(&opened)).map_err(failed)
    }

    fn open_to_append(&self, file: &Path) -> Result<OwnedFd> {
        // Another process may create or remove the file at any time.
        for _ in 0..ATTEMPTS {
            match self.resolve(file, APPEND | AT_ONCE) {
                Ok(opened) => {
                    let stat = rustix::fs::fstat(&opened)
                        .map_err(|error| self.failed("write", error, file))?;
                    self.check_appendable(&stat, file)?;
                    return Ok(opened);
                }
                Err(Errno::NOENT) => {}
                Err(error) => return Err(self.failed("write", error, file)),
            }
            if let Some(created) = self.create_to_append(file)? {
                return Ok(created);
            }
        }
        Err(self.failed("write", Errno::NOENT, file))
    }

    /// Creates an empty file; `None` if it exists.
    fn create_to_append(&self, file: &Path) -> Result<Option<OwnedFd>> {
        let failed = |error| self.failed("create", error, file);
        let Some((parent, name)) = self.parent(file, true)? else {
            return Err(failed(Errno::NOENT));
        };
        let flags = APPEND | OFlags::CREATE | OFlags::EXCL;
        let mode = Mode::RUSR | Mode::WUSR;
        let created = match rustix::fs::openat(&parent, name, flags, mode) {
            Ok(created) => created,
            Err(Errno::EXIST) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        // The umask may have taken the owner's rights.
        rustix::fs::fchmod(&created, mode).map_err(failed)?;
        hand_over(&created, self.owner).map_err(failed)?;
        sync_changed(&parent).map_err(failed)?;
        Ok(Some(created))
    }

    fn check_appendable(&self, stat: &Stat, file: &Path) -> Result<()> {
        let path = || self.path.join(file);
        match stat.st_uid == 0 && self.owner != 0 {
            true => check_kind(stat, FileType::RegularFile, path),
            false => check_private(stat, FileType::RegularFile, self.owner, path),
        }
    }
}
