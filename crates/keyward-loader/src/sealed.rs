//! Files without a name that can be loaded or run and that no process can change.

mod mapping;

use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, StatVfsMountFlags};
use rustix::io::Errno;

use keyward_core::{Error, Result};

use crate::errors::unusable;
use crate::placement::Placed;
use mapping::Mapping;

/// The folders where a copy may be made if memory cannot be used. A folder only needs room, since
/// the copy never has a name there.
const FOLDERS: [&str; 3] = ["/dev/shm", "/var/tmp", "/tmp"];

/// A file without a name that contains a copy of a plugin.
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
    /// Makes a copy of a file.
    ///
    /// # Errors
    /// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if there is no place for it, or if the
    /// file cannot be read.
    pub(crate) fn copy_of(placed: &Placed) -> Result<Self> {
        Self::in_memory(placed).or_else(|error| Self::on_disk(placed, &FOLDERS, &error.to_string()))
    }

    /// Returns the copy's content, without another copy if it is in memory.
    pub(crate) fn content(&self) -> io::Result<Content> {
        if let Some(mapping) = Mapping::of_sealed(&self.file)? {
            return Ok(Content::Mapped(mapping));
        }
        let mut content = Vec::new();
        let mut file = &self.file;
        file.rewind()?;
        file.read_to_end(&mut content)?;
        Ok(Content::Read(content))
    }

    /// A path that leads to it in this process, and in a child until the child executes a program.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn in_memory(placed: &Placed) -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Linux before 6.3 does not know the flag; its files in memory are executable without it.
        let memory = match rustix::fs::memfd_create("keyward-plugin", flags | MemfdFlags::EXEC) {
            Err(Errno::INVAL) => rustix::fs::memfd_create("keyward-plugin", flags),
            made => made,
        };
        let file = File::from(memory?);
        placed.copy_into(&file)?;
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&file, seals)?;
        Ok(Self::from_file(file))
    }

    /// `before` is the reason why it cannot be in memory.
    fn on_disk(placed: &Placed, folders: &[&str], before: &str) -> Result<Self> {
        let mut tried = format!("in memory ({before})");
        for folder in folders {
            match copy(placed, folder) {
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

/// The content of a copy.
#[derive(Debug)]
pub(crate) enum Content {
    /// The copy is in sealed memory.
    Mapped(Mapping),
    /// The copy is on a disk.
    Read(Vec<u8>),
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(mapping) => mapping,
            Self::Read(content) => content,
        }
    }
}

impl AsFd for Sealed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Makes a copy that never has a name: no other user can open it, even in a folder that all users
/// can write to.
fn copy(placed: &Placed, folder: &str) -> io::Result<File> {
    let mounted = rustix::fs::statvfs(folder)?;
    if mounted.f_flag.contains(StatVfsMountFlags::NOEXEC) {
        return Err(io::Error::other("mounted noexec"));
    }
    // EXCL: it cannot be given a name later either.
    let flags = OFlags::TMPFILE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
    let writer = File::from(rustix::fs::open(folder, flags, Mode::RWXU)?);
    placed.copy_into(&writer)?;
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
    use crate::placement;
    use std::io::Write;
    use std::process::Command;

    /// A program, copied into a place where a plugin may be.
    fn program(folder: &Path) -> (Placed, Vec<u8>) {
        let path = folder.join("true");
        std::fs::copy("/bin/true", &path).unwrap();
        (placement::open(&path).unwrap(), std::fs::read(path).unwrap())
    }

    #[test]
    fn a_file_in_memory_can_be_run_and_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (placed, program) = program(folder.path());
        let sealed = Sealed::in_memory(&placed).unwrap();
        let content = sealed.content().unwrap();
        assert!(matches!(&content, Content::Mapped(mapping) if **mapping == *program));
        assert!(Command::new(sealed.path()).status().unwrap().success());
        let mut writer = File::options().write(true).open(sealed.path()).unwrap();
        assert!(writer.write_all(b"x").is_err());
        assert!(writer.set_len(0).is_err());
    }

    #[test]
    fn a_file_on_disk_can_be_run_and_has_no_name() {
        let (source, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (placed, program) = program(source.path());
        let place = [folder.path().to_str().unwrap()];
        let sealed = Sealed::on_disk(&placed, &place, "no memory").unwrap();
        let content = sealed.content().unwrap();
        assert!(matches!(&content, Content::Read(read) if *read == program));
        assert!(Command::new(sealed.path()).status().unwrap().success());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!((&sealed.file).write_all(b"x").is_err());
    }

    /// A copy in memory that fails halfway leaves the position in the file at another place.
    #[test]
    fn a_second_copy_is_as_long_as_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let (placed, program) = program(folder.path());
        for _ in 0..2 {
            assert_eq!(*Sealed::copy_of(&placed).unwrap().content().unwrap(), *program);
        }
    }

    #[test]
    fn an_empty_file_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty");
        File::create(&path).unwrap();
        let sealed = Sealed::copy_of(&placement::open(&path).unwrap()).unwrap();
        assert!(sealed.content().unwrap().is_empty());
    }

    #[test]
    fn every_place_tried_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (placed, _) = program(folder.path());
        let error = Sealed::on_disk(&placed, &["/nowhere", "/proc"], "no memory").unwrap_err();
        for place in ["in memory (no memory)", "in /nowhere (", "in /proc ("] {
            assert!(error.message().contains(place), "{error}");
        }
    }
}
