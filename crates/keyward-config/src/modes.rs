//! Checks the permissions of all files of Keyward, and repairs them on request.
//!
//! A backup is often restored with the permissions of the umask.

use std::fs::Permissions;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use keyward_core::{Error, ErrorKind, Result, StoreId};
use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, RawMode, Stat};
use rustix::io::Errno;

use crate::places::Places;

/// The depth of the deepest file of Keyward below its folder of data or state.
const DEEPEST: usize = 32;

/// The depth of what is in the folder of a store: `stores/ID/USER`. A folder above may be a link.
const IN_STORE: usize = 3;

/// Opens the file, folder or symbolic link of a name, without reading it.
const NAMED: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

const LISTED: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Which files other users may read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Definitions contain no secret. In such a folder the files that end in `.toml` are checked,
    /// and `.locks` and `.tmp`, in which their writers keep files.
    Definitions,
    /// Records, and everything else below.
    Records,
    /// Keys, and everything else below.
    Keys,
}

impl Places {
    /// Checks the permissions of the user's own configuration, data, keys and state.
    ///
    /// `report` gets each path that has wrong permissions: with an error, or with the change if `fix`
    /// is set. Only files and folders that this process's user owns are changed. Symbolic links are
    /// never followed or changed. In the folder of a store, a link or anything else that is neither
    /// file nor folder is an error too: storages do not read it.
    pub fn check_modes(&self, fix: bool, report: &mut dyn FnMut(Result<String>)) {
        let mut check = Check { fix, report, by_id: self.folders_by_id() };
        let [stores, plugins, kinds] =
            ["stores", "plugins", "kinds"].map(|folder| self.config.join(folder));
        for (folder, content) in [
            (&self.config, Content::Definitions),
            (&stores, Content::Definitions),
            (&plugins, Content::Definitions),
            (&kinds, Content::Definitions),
            (&self.data, Content::Records),
            (&self.state, Content::Keys),
        ] {
            check.check_path(CWD, folder, folder, content, 0);
        }
    }
}

struct Check<'a> {
    fix: bool,
    report: &'a mut dyn FnMut(Result<String>),
    /// Folders in which only the names that begin with a store's id are Keyward's.
    by_id: [PathBuf; 3],
}

impl Check<'_> {
    /// Checks the file or folder of this name in the folder `above`, and everything below it.
    /// `path` is for messages.
    fn check_path(
        &mut self,
        above: impl AsFd,
        name: &Path,
        path: &Path,
        content: Content,
        depth: usize,
    ) {
        let opened = rustix::fs::openat(above, name, NAMED, Mode::empty());
        let found = opened.and_then(|opened| Ok((rustix::fs::fstat(&opened)?, opened)));
        let (stat, opened) = match found {
            Ok(found) => found,
            Err(Errno::NOENT | Errno::NOTDIR) => return,
            Err(error) => return (self.report)(Err(failed(path, error))),
        };
        let kind = FileType::from_raw_mode(stat.st_mode as RawMode);
        if !matches!(kind, FileType::RegularFile | FileType::Directory) {
            let may_be_link = content == Content::Definitions || depth < IN_STORE;
            if !(kind == FileType::Symlink && may_be_link) {
                (self.report)(Err(wrong_type(path, kind)));
            }
            return;
        }
        let is_folder = kind == FileType::Directory;
        if !self.check(&opened, &stat, path, is_folder, content) {
            return;
        }
        if is_folder && depth < DEEPEST {
            self.check_content(&opened, path, content, depth + 1);
        }
    }

    /// Checks the content of a folder.
    fn check_content(&mut self, folder: &OwnedFd, path: &Path, content: Content, depth: usize) {
        let names = match names(folder) {
            Ok(names) => names,
            // The wrong permissions of the folder were already reported.
            Err(Errno::ACCESS) => return,
            Err(error) => return (self.report)(Err(failed(path, error))),
        };
        for name in names {
            let name = Path::new(std::ffi::OsStr::from_bytes(&name));
            let is_definition = name.extension().is_some_and(|end| end == "toml");
            let is_writers = [".locks", ".tmp"].iter().any(|writers| name == Path::new(writers));
            if self.by_id.iter().any(|by_id| by_id == path) && !is_writers && !begins_with_id(name)
            {
                continue;
            }
            let below = match content {
                Content::Definitions if is_writers => Content::Records,
                Content::Definitions if !is_definition => continue,
                content => content,
            };
            self.check_path(folder, name, &path.join(name), below, depth);
        }
    }

    /// Checks one file or folder. Returns whether to check what is below it.
    fn check(
        &mut self,
        opened: &OwnedFd,
        stat: &Stat,
        path: &Path,
        is_folder: bool,
        content: Content,
    ) -> bool {
        let mode = stat.st_mode & 0o7777;
        let wanted = wanted_mode(mode, is_folder, content);
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            let is_roots = stat.st_uid == 0 && (is_folder || content == Content::Definitions);
            if is_roots && mode == wanted {
                return true;
            }
            (self.report)(Err(belongs_to_another(path, stat.st_uid)));
            return false;
        }
        if mode != wanted {
            (self.report)(match self.fix {
                true => change_mode(opened, path, mode, wanted),
                false => Err(wrong_mode(path, mode, wanted)),
            });
        }
        true
    }
}

/// Returns the mode without the permissions that other users must not have, and with those that the
/// owner needs.
const fn wanted_mode(mode: u32, is_folder: bool, content: Content) -> u32 {
    match (is_folder, content) {
        // Definitions and keys may be read-only.
        (true, Content::Definitions) => mode & !0o022 | 0o500,
        (true, Content::Records | Content::Keys) => mode & !0o022 | 0o700,
        (false, Content::Definitions) => mode & !0o022 | 0o400,
        (false, Content::Records) => mode & !0o077 | 0o600,
        (false, Content::Keys) => mode & !0o077 | 0o400,
    }
}

/// Whether a name begins with the 32 digits of a store's id.
fn begins_with_id(name: &Path) -> bool {
    let digits = name.to_str().and_then(|name| name.get(..32));
    digits.is_some_and(|digits| StoreId::parse(digits).is_some())
}

fn names(folder: &OwnedFd) -> rustix::io::Result<Vec<Vec<u8>>> {
    let listed = rustix::fs::openat(folder, ".", LISTED, Mode::empty())?;
    let mut names = Vec::new();
    for entry in Dir::new(listed)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Changes the permissions of the opened file, even if its name leads to another file by now.
fn change_mode(opened: &OwnedFd, path: &Path, mode: u32, wanted: u32) -> Result<String> {
    let opened = format!("/proc/self/fd/{}", opened.as_raw_fd());
    std::fs::set_permissions(opened, Permissions::from_mode(wanted)).map_err(|error| {
        let why = format!("{}: {error}", path.display());
        Error::io("config", error).because(why)
    })?;
    Ok(format!("{}: mode changed from {mode:04o} to {wanted:04o}", path.display()))
}

fn wrong_type(path: &Path, kind: FileType) -> Error {
    let what = match kind {
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        _ => "a device",
    };
    Error::new(ErrorKind::Refused, "config")
        .because(format!("{} is {what} and not a file or folder", path.display()))
        .hint("Remove it, or put the file back from a backup")
}

fn wrong_mode(path: &Path, mode: u32, wanted: u32) -> Error {
    Error::new(ErrorKind::Refused, "config")
        .because(format!("{} has the mode {mode:04o} instead of {wanted:04o}", path.display()))
        .hint("`keyward doctor --fix` repairs it")
}

fn belongs_to_another(path: &Path, uid: u32) -> Error {
    Error::new(ErrorKind::Refused, "config")
        .because(format!("{} belongs to user id {uid}", path.display()))
        .hint("`keyward doctor --fix` leaves it as it is")
}

fn failed(path: &Path, error: Errno) -> Error {
    let error = std::io::Error::from(error);
    let why = format!("{}: {error}", path.display());
    Error::io("config", error).because(why)
}
