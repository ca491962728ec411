//! Opens and creates what is below a private folder.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use keyward_core::{Error, Result};
use rustix::fs::{FileType, OFlags, Stat};
use rustix::io::Errno;

use super::PrivateDir;
use crate::beneath;
use crate::error::failed;
use crate::folder::{hand_over, make_dir};
use crate::rules::{check_private, is_own};

impl PrivateDir {
    /// Opens a file and checks its type, owner and permissions.
    pub(super) fn open_as(&self, file: &Path, flags: OFlags) -> Result<Option<(OwnedFd, Stat)>> {
        let opened = match self.resolve(file, flags | OFlags::CLOEXEC) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(self.failed("read", error, file)),
        };
        let stat = rustix::fs::fstat(&opened).map_err(|error| self.failed("read", error, file))?;
        check_private(&stat, FileType::RegularFile, self.owner, || self.path.join(file))?;
        Ok(Some((opened, stat)))
    }

    /// Returns the folder of `file` and its last name. It creates the folders if `make` is set.
    pub(super) fn parent<'f>(
        &self,
        file: &'f Path,
        make: bool,
    ) -> Result<Option<(OwnedFd, &'f str)>> {
        let name = file.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| Error::invalid("path", "a file needs a name"))?;
        let parent = file.parent().unwrap_or(Path::new(""));
        let dir = if make { Some(self.make_below(parent)?) } else { self.open_dir(parent)? };
        Ok(dir.map(|dir| (dir, name)))
    }

    /// Opens a subfolder. Creates it, and the folders above it, if it is missing.
    pub(super) fn make_below(&self, dir: &Path) -> Result<OwnedFd> {
        if let Some(found) = self.open_dir(dir)? {
            if !dir.as_os_str().is_empty() {
                self.hand_over_late(&found)?;
            }
            return Ok(found);
        }
        let mut reached = PathBuf::new();
        let mut opened = self.reach(&reached)?;
        for part in dir.components() {
            reached.push(part);
            if self.open_dir(&reached)?.is_none() {
                make_dir(&opened, Path::new(part.as_os_str()), self.owner)
                    .map_err(|error| self.failed("create", error, &reached))?;
                self.sync(&opened)?;
            }
            opened = self.reach(&reached)?;
        }
        Ok(opened)
    }

    pub(super) fn reach(&self, dir: &Path) -> Result<OwnedFd> {
        self.open_dir(dir)?.ok_or_else(|| self.failed("create", Errno::NOENT, dir))
    }

    /// Gives the owner a folder that an administrator had created before an interruption.
    pub(super) fn hand_over_late(&self, dir: &OwnedFd) -> Result<()> {
        let late = || {
            if is_own(self.owner) || !is_own(rustix::fs::fstat(dir)?.st_uid) {
                return Ok(());
            }
            hand_over(dir, self.owner)
        };
        late().map_err(|error| failed("create", error, &self.path))
    }

    pub(super) fn resolve(&self, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        match beneath::open(&self.root, path, flags) {
            Err(Errno::NOSYS) if self.owner == rustix::process::geteuid().as_raw() => {
                beneath::open_in_steps(&self.root, path, flags)
            }
            opened => opened,
        }
    }
}
