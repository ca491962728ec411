use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use keyward_core::{Error, ErrorKind, Result, Secret, Timestamp};
use keyward_fs::open_own;

/// Returns the content of a file, and when it was written.
pub(crate) fn read_secret(file: File, limit: usize) -> Result<(Secret, Timestamp)> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => Error::corrupt("read").because("the file is too large"),
        _ => Error::io("read", error),
    };
    let written = file.metadata().and_then(|data| data.modified()).map_err(failed)?;
    Ok((Secret::read_from(file, limit).map_err(failed)?, written.into()))
}

/// Reads a file of this process's user that only this user can write. Also returns whether other
/// users can read it.
pub(crate) fn read_own(path: &Path, limit: usize) -> Result<(Secret, bool)> {
    let none = || Error::invalid("usage", format!("there is no file {}", path.display()));
    let file = open_own(path)?.ok_or_else(none)?;
    let mode = file.metadata().map_err(|error| Error::io("read", error))?.mode();
    if mode & 0o022 != 0 {
        return Err(Error::new(ErrorKind::Refused, "read")
            .because(format!("other users can write {}", path.display()))
            .hint("If its content is right, chmod go-w it"));
    }
    Ok((read_secret(file, limit)?.0, mode & 0o044 != 0))
}
