use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use keyward_core::{Error, ErrorKind, Result};

use crate::fetcher::Answer;

/// What a download has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// The path of the file.
    pub path: PathBuf,
    /// Its length, in bytes.
    pub length: u64,
}

/// Writes the body of an answer into a file, which appears once it is complete.
///
/// A file that exists is replaced only if `overwrites`.
///
/// # Errors
/// [`Exists`](ErrorKind::Exists) if there is a file; [`NotFound`](ErrorKind::NotFound) for the status
/// 404 or 410; [`Unauthorized`](ErrorKind::Unauthorized) for 401 and 403;
/// [`Unavailable`](ErrorKind::Unavailable) for every other status but 200, and if the connection ends
/// before the body does; those of writing the file.
pub fn download(mut answer: Answer, path: &Path, overwrites: bool) -> Result<Download> {
    check_status(&answer)?;
    if !overwrites && path.symlink_metadata().is_ok() {
        return Err(exists(path));
    }
    let failed = |error: io::Error| {
        let why = format!("{}: {error}", path.display());
        Error::io("fetch", error).because(why)
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut file =
        tempfile::Builder::new().prefix(".keyward-").tempfile_in(folder).map_err(failed)?;
    let length = copy(&mut answer, &mut file, path)?;
    file.as_file().sync_all().map_err(failed)?;
    let kept = match overwrites {
        true => file.persist(path),
        false => file.persist_noclobber(path),
    };
    match kept {
        Ok(_) => {}
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(exists(path));
        }
        Err(error) => return Err(failed(error.error)),
    }
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(Download { path: path.to_owned(), length })
}

fn copy(answer: &mut Answer, file: &mut impl Write, path: &Path) -> Result<u64> {
    let mut buffer = vec![0; 64 << 10];
    let mut length = 0;
    loop {
        let read = answer.body.read(&mut buffer)?;
        if read == 0 {
            return Ok(length);
        }
        file.write_all(&buffer[..read]).map_err(|error| {
            let why = format!("{}: {error}", path.display());
            Error::io("fetch", error).because(why)
        })?;
        length += read as u64;
    }
}

/// Refuses an answer that is not what was asked for.
///
/// # Errors
/// As [`download`], for the status.
pub fn check_status(answer: &Answer) -> Result<()> {
    let kind = match answer.head.status {
        200 => return Ok(()),
        401 | 403 => ErrorKind::Unauthorized,
        404 | 410 => ErrorKind::NotFound,
        _ => ErrorKind::Unavailable,
    };
    let (origin, status) = (answer.target.origin(), answer.head.status);
    Err(Error::new(kind, "fetch").because(format!("{origin} answers with status {status}")))
}

fn exists(path: &Path) -> Error {
    Error::new(ErrorKind::Exists, "fetch")
        .because(format!("{} exists", path.display()))
        .hint("Use --force to replace it")
}

/// Returns the name of the file in a URL.
pub fn file_name(target: &keyward_origin::Target) -> Option<String> {
    let name = target.path().rsplit('/').next()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~+".contains(c);
    (!name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain))
        .then(|| name.to_owned())
}
