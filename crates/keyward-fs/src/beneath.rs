//! Opens files below a folder, and only those.

use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawMode, ResolveFlags};
use rustix::io::Errno;

/// Opens `path` below `root`. It follows no symbolic link, and the path cannot lead above `root` or
/// to another file system.
pub(crate) fn open(root: &OwnedFd, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    // Users can mount their own file systems, which may never respond.
    let beneath = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    rustix::io::retry_on_intr(|| rustix::fs::openat2(root, path, flags, Mode::empty(), beneath))
}

/// Does the same step by step, for kernels before 5.6 and for sandboxes without `openat2`.
///
/// # Security
/// Use it only for folders of this process's user: another user who can replace a folder between
/// two steps can redirect it.
pub(crate) fn open_in_steps(
    root: &OwnedFd,
    path: &Path,
    flags: OFlags,
) -> rustix::io::Result<OwnedFd> {
    let device = rustix::fs::fstat(root)?.st_dev;
    let mut reached: Option<OwnedFd> = None;
    let mut parts = path.components().peekable();
    while let Some(part) = parts.next() {
        if !matches!(part, Component::Normal(_) | Component::CurDir) {
            return Err(Errno::XDEV);
        }
        let (above, name) = (reached.as_ref().unwrap_or(root), part.as_os_str());
        let stat = rustix::fs::statat(above, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(stat.st_mode as RawMode) == FileType::Symlink {
            return Err(Errno::LOOP);
        }
        if stat.st_dev != device {
            return Err(Errno::XDEV);
        }
        let last = parts.peek().is_none();
        let flags = if last { flags } else { OFlags::PATH | OFlags::CLOEXEC };
        reached = Some(rustix::io::retry_on_intr(|| {
            rustix::fs::openat(above, name, flags | OFlags::NOFOLLOW, Mode::empty())
        })?);
    }
    reached.ok_or(Errno::NOENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stepwise_opening_gives_the_same_file_as_openat2() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(scratch.path().join("root/a/b")).unwrap();
        for file in ["outside", "root/file", "root/a/b/file"] {
            std::fs::File::create(scratch.path().join(file)).unwrap();
        }
        for (target, link) in [("a", "folder"), ("file", "link"), ("../outside", "out")] {
            std::os::unix::fs::symlink(target, scratch.path().join("root").join(link)).unwrap();
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let root = rustix::fs::open(scratch.path().join("root"), flags, Mode::empty()).unwrap();
        for path in [
            "file",
            "a/b/file",
            "a/b",
            ".",
            "./file",
            "missing",
            "missing/file",
            "file/file",
            "link",
            "folder/b/file",
            "folder",
            "out",
            "../outside",
            "/etc/passwd",
        ] {
            for flags in [flags, flags | OFlags::DIRECTORY, flags | OFlags::PATH] {
                let inode = |opened: OwnedFd| rustix::fs::fstat(opened).unwrap().st_ino;
                let leap = open(&root, Path::new(path), flags).map(inode);
                let steps = open_in_steps(&root, Path::new(path), flags).map(inode);
                assert_eq!(leap, steps, "{path} {flags:?}");
            }
        }
    }
}
