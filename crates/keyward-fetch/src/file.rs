//! Files of this machine, by their URL (RFC 8089).

use std::ffi::OsStr;
use std::io::{Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use keyward_core::{Error, ErrorKind, ResponseHead, Result};
use keyward_origin::Target;
use percent_encoding::percent_decode_str;

use crate::body::Body;
use crate::draft::{Draft, head_of_file, open_file};

/// Opens the file of a target.
pub(crate) fn open(target: &Target, draft: &Draft<'_>) -> Result<(ResponseHead, Body)> {
    draft.check_reads(target)?;
    let path: Vec<u8> = percent_decode_str(target.path()).collect();
    let path = Path::new(OsStr::from_bytes(&path));
    let failed = |error: std::io::Error| {
        let why = format!("{}: {error}", path.display());
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => Error::io("fetch", error).kind(),
        };
        Error::new(kind, "fetch").because(why)
    };
    let mut file = open_file(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        let why = format!("{} is not a regular file", path.display());
        return Err(Error::new(ErrorKind::Invalid, "fetch").because(why));
    }
    let (head, start) = head_of_file(Some(metadata.len()), metadata.modified().ok(), draft);
    file.seek(SeekFrom::Start(start)).map_err(failed)?;
    Ok((head, file.into()))
}
