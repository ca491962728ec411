//! Memory in which a sealed file appears.
#![expect(unsafe_code, reason = "the kernel maps the file to an address")]

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::slice;

use rustix::fs::SealFlags;
use rustix::mm::{MapFlags, ProtFlags};

/// The bytes of a sealed file, where the kernel keeps them: they are not copied.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<c_void>,
    /// Not zero: the kernel maps no empty file.
    size: usize,
}

impl Mapping {
    /// Maps a whole file; `None` if it is empty, or is not sealed against changes.
    pub(super) fn of_sealed(file: &File) -> io::Result<Option<Self>> {
        let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        if size == 0 || !is_sealed(file) {
            return Ok(None);
        }
        // Linux before 6.7 refuses SHARED for a sealed file. PRIVATE copies only pages that this
        // process writes, and it writes none.
        let (access, flags) = (ProtFlags::READ, MapFlags::PRIVATE);
        // SAFETY: the kernel chooses an address that is not used.
        let start = unsafe { rustix::mm::mmap(ptr::null_mut(), size, access, flags, file, 0) }?;
        let start = NonNull::new(start).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Some(Self { start, size }))
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: this many bytes are mapped until this value is dropped. The file is sealed, so no
        // process can change or remove them.
        unsafe { slice::from_raw_parts(self.start.as_ptr().cast(), self.size) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: this is the whole mapping, and no slice of it outlives this value.
        let _ = unsafe { rustix::mm::munmap(self.start.as_ptr(), self.size) };
    }
}

fn is_sealed(file: &File) -> bool {
    let needed = SealFlags::WRITE | SealFlags::SHRINK;
    rustix::fs::fcntl_get_seals(file).is_ok_and(|seals| seals.contains(needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_can_change_is_not_mapped() {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, b"content").unwrap();
        assert!(Mapping::of_sealed(&file).unwrap().is_none());
    }
}
