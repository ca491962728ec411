//! The rules for the type, the owner and the mode of a file or folder.

use std::path::{Path, PathBuf};

use keyward_core::{Error, ErrorKind, Result};
use rustix::fs::{FileType, RawMode, Stat};

/// Refuses a file or folder that another user could have changed: one that has another type, that
/// belongs neither to this process's user nor to root, or that other users can write.
///
/// `stat` describes the opened file, so that it cannot be replaced after the check.
///
/// # Errors
/// [`Refused`](ErrorKind::Refused), with the path and what to do.
pub fn check_trusted(stat: &Stat, kind: FileType, path: &Path) -> Result<()> {
    check_kind(stat, kind, || path.to_owned())?;
    check_owner(stat, path)?;
    check_writers(stat, path)
}

/// Does the same for what may also belong to `owner`. A folder with the sticky bit may be writable by
/// others: they cannot replace what is not theirs.
pub(crate) fn check_trusted_of(
    stat: &Stat,
    kind: FileType,
    owner: Option<u32>,
    path: &Path,
) -> Result<()> {
    check_kind(stat, kind, || path.to_owned())?;
    if owner != Some(stat.st_uid) {
        check_owner(stat, path)?;
    }
    if kind == FileType::Directory && stat.st_mode & 0o1000 != 0 {
        return Ok(());
    }
    check_writers(stat, path)
}

fn check_writers(stat: &Stat, path: &Path) -> Result<()> {
    if stat.st_mode & 0o022 != 0 {
        return Err(refused(path, "can be written by other users")
            .hint(format!("chmod go-w '{}'", path.display())));
    }
    Ok(())
}

/// Refuses what belongs neither to this process's user nor to root.
pub(crate) fn check_owner(stat: &Stat, path: &Path) -> Result<()> {
    if stat.st_uid == 0 || is_own(stat.st_uid) {
        return Ok(());
    }
    Err(belongs_to_another(stat, path).hint("It must belong to you or to root"))
}

/// Refuses what is not a regular file of this process's user.
pub(crate) fn check_own_file(stat: &Stat, path: &Path) -> Result<()> {
    check_kind(stat, FileType::RegularFile, || path.to_owned())?;
    if is_own(stat.st_uid) {
        return Ok(());
    }
    Err(belongs_to_another(stat, path).hint("It must belong to you"))
}

/// Refuses a file that other users than `owner` can reach, or a folder that they can write to. A
/// folder may belong to root.
pub(crate) fn check_private(
    stat: &Stat,
    kind: FileType,
    owner: u32,
    path: impl Fn() -> PathBuf,
) -> Result<()> {
    check_kind(stat, kind, &path)?;
    let is_folder = kind == FileType::Directory;
    if stat.st_uid != owner && !(is_folder && stat.st_uid == 0) {
        return Err(
            belongs_to_another(stat, &path()).hint(format!("It must belong to user id {owner}"))
        );
    }
    // A user who can write to a folder can put other files into it; a user who can read it sees
    // only names.
    let (others, mode) = if is_folder { (0o022, "700") } else { (0o077, "600") };
    if stat.st_mode & others != 0 {
        let path = path();
        return Err(refused(&path, "can be reached by other users")
            .hint(format!("chmod {mode} '{}'", path.display())));
    }
    Ok(())
}

pub(crate) fn is_own(uid: u32) -> bool {
    rustix::process::geteuid().as_raw() == uid
}

pub(crate) fn check_kind(stat: &Stat, kind: FileType, path: impl Fn() -> PathBuf) -> Result<()> {
    if FileType::from_raw_mode(stat.st_mode as RawMode) == kind {
        return Ok(());
    }
    let is_folder = kind == FileType::Directory;
    Err(refused(&path(), if is_folder { "is not a folder" } else { "is not a regular file" }))
}

fn belongs_to_another(stat: &Stat, path: &Path) -> Error {
    refused(path, &format!("belongs to user id {}", stat.st_uid))
}

pub(crate) fn refused(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Refused, "open").because(format!("{} {why}", path.display()))
}
