//! Files without a name that can be loaded or run and that no process can change.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, StatVfsMountFlags};
use rustix::io::Errno;

use keyward_core::{Error, Result};

use crate::errors::unusable;

/// The folders where a copy may be made if memory cannot be used. A folder only needs room, since
/// the copy never has a name there.
const FOLDERS: [&str; 3] = ["/dev/shm", "/var/tmp", "/tmp"];

/// A file without a name that contains exactly the verified bytes.
///
/// It is in memory and sealed. If the kernel does not allow an executable file in memory
/// (`vm.memfd_noexec=2`), it is on a disk, without a path. No other process can change it, whatever
/// happens to the file that it was read from.
///
/// Code that loads it must keep it open as long as the process lives. The dynamic linker identifies
/// libraries by their path, and [`path`](Self::path) contains the number of a descriptor. If the
/// number were used again, the linker would mistake the next library for this one.
#[derive(Debug)]
pub struct Sealed {
    file: File,
    path: PathBuf,
}

impl Sealed {
    /// Makes a file of these bytes.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self> {
        Self::in_memory(bytes).or_else(|error| Self::on_disk(bytes, &FOLDERS, &error.to_string()))
    }

    /// A path that leads to it in this process, and in a child until the child executes a program.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn in_memory(bytes: &[u8]) -> std::io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Linux before 6.3 does not know the flag; its files in memory are executable without it.
        let memory = match rustix::fs::memfd_create("keyward-plugin", flags | MemfdFlags::EXEC) {
            Err(Errno::INVAL) => rustix::fs::memfd_create("keyward-plugin", flags),
            made => made,
        };
        let mut file = File::from(memory?);
        file.write_all(bytes)?;
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&file, seals)?;
        Ok(Self::from_file(file))
    }

    /// `before` is the reason why it cannot be in memory.
    fn on_disk(bytes: &[u8], folders: &[&str], before: &str) -> Result<Self> {
        let mut tried = format!("in memory ({before})");
        for folder in folders {
            match copy(bytes, folder) {
                Ok(file) => return Ok(Self::from_file(file)),
                Err(error) => tried.push_str(&format!(", in {folder} ({error})")),
            }
        }
        Err(no_place(&tried))
    }

    fn from_file(file: File) -> Self {
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        Self { file, path }
    }
}

impl AsFd for Sealed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Makes a copy that never has a name: no other user can open it, even in a folder that all users
/// can write to.
fn copy(bytes: &[u8], folder: &str) -> std::io::Result<File> {
    let mounted = rustix::fs::statvfs(folder)?;
    if mounted.f_flag.contains(StatVfsMountFlags::NOEXEC) {
        return Err(std::io::Error::other("mounted noexec"));
    }
    // EXCL: it cannot be given a name later either.
    let flags = OFlags::TMPFILE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
    let mut writer = File::from(rustix::fs::open(folder, flags, Mode::RWXU)?);
    writer.write_all(bytes)?;
    // A file that is open for writing cannot be executed, so the writer is closed.
    File::open(Sealed::from_file(writer.try_clone()?).path())
}

fn no_place(tried: &str) -> Error {
    unusable(format_args!("there is no place for a verified copy; tried {tried}"))
        .hint("Mount one of these folders without noexec, or set vm.memfd_noexec to 1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::process::Command;

    fn content(path: &Path) -> Vec<u8> {
        let mut content = Vec::new();
        File::open(path).unwrap().read_to_end(&mut content).unwrap();
        content
    }

    #[test]
    fn a_file_in_memory_can_be_run_and_not_changed() {
        let program = std::fs::read("/bin/true").unwrap();
        let sealed = Sealed::in_memory(&program).unwrap();
        assert_eq!(content(sealed.path()), program);
        assert!(Command::new(sealed.path()).status().unwrap().success());
        let mut writer = File::options().write(true).open(sealed.path()).unwrap();
        assert!(writer.write_all(b"x").is_err());
        assert!(writer.set_len(0).is_err());
    }

    #[test]
    fn a_file_on_disk_can_be_run_and_has_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let program = std::fs::read("/bin/true").unwrap();
        let place = [folder.path().to_str().unwrap()];
        let sealed = Sealed::on_disk(&program, &place, "no memory").unwrap();
        assert_eq!(content(sealed.path()), program);
        assert!(Command::new(sealed.path()).status().unwrap().success());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!((&sealed.file).write_all(b"x").is_err());
    }

    #[test]
    fn every_place_tried_is_named() {
        let error = Sealed::on_disk(b"", &["/nowhere", "/proc"], "no memory").unwrap_err();
        for place in ["in memory (no memory)", "in /nowhere (", "in /proc ("] {
            assert!(error.message().contains(place), "{error}");
        }
    }
}
