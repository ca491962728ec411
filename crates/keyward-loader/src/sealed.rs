//! Bytes that can be loaded or run and that nobody can change.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, StatVfsMountFlags};
use rustix::io::Errno;

use keyward_core::{Error, Result};

use crate::fault::unusable;

/// Where a copy may be made when memory will not do: all that is asked of a folder is room, since
/// the copy never has a name there.
const FOLDERS: [&str; 3] = ["/dev/shm", "/var/tmp", "/tmp"];

/// A file without a name that holds just the bytes that were verified.
///
/// It lies in memory and is sealed, or, where the kernel makes no memory file that could be
/// executed (`vm.memfd_noexec=2`), on a disk, where no path leads to it. Nobody can change it,
/// whatever happens to the file that it was read from.
///
/// Whoever loads it keeps it open for as long as the process lives: the dynamic linker knows
/// libraries by their path, and [`path`](Self::path) names a descriptor. Were its number used
/// again, the linker would take the next library for this one.
#[derive(Debug)]
pub struct Sealed {
    file: File,
    path: PathBuf,
}

impl Sealed {
    /// Puts these bytes into such a file.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self> {
        Self::in_memory(bytes).or_else(|error| Self::on_disk(bytes, &FOLDERS, &error.to_string()))
    }

    /// A path that leads to it in this process, and in a child until that executes something.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn in_memory(bytes: &[u8]) -> std::io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Linux before 6.3 does not know the flag, and makes them executable without.
        let memory = match rustix::fs::memfd_create("keyward-plugin", flags | MemfdFlags::EXEC) {
            Err(Errno::INVAL) => rustix::fs::memfd_create("keyward-plugin", flags),
            made => made,
        };
        let mut file = File::from(memory?);
        file.write_all(bytes)?;
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&file, seals)?;
        Ok(Self::of(file))
    }

    /// `before` is what kept it from being in memory.
    fn on_disk(bytes: &[u8], folders: &[&str], before: &str) -> Result<Self> {
        let mut tried = format!("in memory ({before})");
        for folder in folders {
            match copy(bytes, folder) {
                Ok(file) => return Ok(Self::of(file)),
                Err(error) => tried.push_str(&format!(", in {folder} ({error})")),
            }
        }
        Err(no_place(&tried))
    }

    fn of(file: File) -> Self {
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        Self { file, path }
    }
}

impl AsFd for Sealed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// A copy that never has a name: nobody else can open it, even where everybody may write.
fn copy(bytes: &[u8], folder: &str) -> std::io::Result<File> {
    let mounted = rustix::fs::statvfs(folder)?;
    if mounted.f_flag.contains(StatVfsMountFlags::NOEXEC) {
        return Err(std::io::Error::other("mounted noexec"));
    }
    // EXCL: it cannot be given a name later either.
    let flags = OFlags::TMPFILE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
    let mut writer = File::from(rustix::fs::open(folder, flags, Mode::RWXU)?);
    writer.write_all(bytes)?;
    // What is open for writing cannot be executed, so the writer goes.
    File::open(Sealed::of(writer.try_clone()?).path())
}

fn no_place(tried: &str) -> Error {
    unusable(format_args!("nowhere to put a verified copy: {tried}"))
        .hint("Let one of these folders be mounted without noexec, or set vm.memfd_noexec to 1")
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
    fn what_is_in_memory_can_be_run_and_not_changed() {
        let program = std::fs::read("/bin/true").unwrap();
        let sealed = Sealed::in_memory(&program).unwrap();
        assert_eq!(content(sealed.path()), program);
        assert!(Command::new(sealed.path()).status().unwrap().success());
        let mut writer = File::options().write(true).open(sealed.path()).unwrap();
        assert!(writer.write_all(b"x").is_err());
        assert!(writer.set_len(0).is_err());
    }

    #[test]
    fn what_is_on_disk_can_be_run_and_has_no_name() {
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
