use std::os::fd::OwnedFd;
use std::path::Path;

use keyward_core::{Error, ErrorKind, Result};
use rustix::fs::Stat;

use crate::error::failed;

/// Returns the whole content of an opened file.
///
/// # Errors
/// `Corrupt` if the content is longer than `limit`.
pub(crate) fn content(
    opened: &OwnedFd,
    stat: &Stat,
    limit: usize,
    shown: impl Fn() -> String,
) -> Result<Vec<u8>> {
    let size = stat.st_size as u64;
    if size > limit as u64 {
        return Err(Error::corrupt("read").because(format!("{} is too large", shown())));
    }
    // Writers replace files and do not extend them: one read gets the whole content, and one more
    // byte of space shows that it did.
    let mut content = Vec::new();
    content.try_reserve_exact(size as usize + 1).map_err(|error| {
        let why = format!("{} does not fit into memory", shown());
        Error::new(ErrorKind::Unavailable, "read").because(why).caused_by(error)
    })?;
    loop {
        let read = rustix::io::retry_on_intr(|| {
            rustix::io::read(opened, rustix::buffer::spare_capacity(&mut content))
        });
        let ended = read.map_err(|error| failed("read", error, Path::new(&shown())))? == 0;
        if content.len() as u64 > size {
            return Err(
                Error::corrupt("read").because(format!("{} grew while it was read", shown()))
            );
        }
        if ended || content.len() as u64 == size {
            return Ok(content);
        }
    }
}
