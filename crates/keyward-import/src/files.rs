use std::fs::File;
use std::io;

use keyward_core::{Error, Result, Secret, Timestamp};

/// Returns the content of a file, and when it was written.
pub(crate) fn read_secret(file: File, limit: usize) -> Result<(Secret, Timestamp)> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => Error::corrupt("read").because("the file is too large"),
        _ => Error::io("read", error),
    };
    let written = file.metadata().and_then(|data| data.modified()).map_err(failed)?;
    Ok((Secret::read_from(file, limit).map_err(failed)?, written.into()))
}
