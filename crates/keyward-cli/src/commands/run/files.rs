//! Files in memory for secrets, which are gone after the program has ended.
//!
//! Each run has a folder, which it locks while it lives. A run that was killed leaves its folder; the
//! next run finds it unlocked, and removes it.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use keyward::Environment;
use keyward_core::{Error, ErrorKind, Result, Secret, hex};
use keyward_fs::{PrivateDir, random};
use rustix::fs::{Dir, FlockOperation, flock};
use rustix::io::Errno;

/// The folder of one run.
#[derive(Debug)]
pub(in crate::commands) struct SecretFiles {
    folder: Option<PrivateDir>,
    names: Vec<PathBuf>,
    /// The folder again: it is locked while this is open.
    _lock: File,
}

impl SecretFiles {
    /// Makes the folder, and removes those of runs that have ended.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) if there is no place in memory.
    pub(in crate::commands) fn new(environment: &Environment) -> Result<Self> {
        let all = PrivateDir::create(&place(environment)?)?;
        check_place(&all)?;
        remove_ended(&all)?;
        loop {
            let name = hex::encode(&random::<16>()?);
            let folder = PrivateDir::create(&all.path().join(&name))?;
            // Another run may look at the folder before it is locked, and remove it.
            let Some(lock) = locked(&all, &name)? else { continue };
            if folder.path().exists() {
                return Ok(Self { folder: Some(folder), names: Vec::new(), _lock: lock });
            }
        }
    }

    /// Writes a file, and returns its path.
    pub(in crate::commands) fn add(&mut self, name: &str, content: &Secret) -> Result<PathBuf> {
        let folder = self.folder.as_ref().expect("the run has not ended");
        let name = PathBuf::from(name);
        folder.create_new(&name, content.expose())?;
        let path = folder.path().join(&name);
        self.names.push(name);
        Ok(path)
    }
}

impl Drop for SecretFiles {
    /// If something cannot be removed, the next run tries again.
    fn drop(&mut self) {
        if let Some(folder) = self.folder.take() {
            let _ = remove(folder, &self.names);
        }
    }
}

/// Returns the folder for all runs of this user: in the session's folder, if that is in memory, else
/// in `/dev/shm`.
fn place(environment: &Environment) -> Result<PathBuf> {
    let session = environment.path("XDG_RUNTIME_DIR").filter(|folder| is_in_memory(folder));
    if let Some(folder) = session {
        return Ok(folder.join("keyward/files"));
    }
    let shared = Path::new("/dev/shm");
    if is_in_memory(shared) {
        let uid = rustix::process::geteuid().as_raw();
        return Ok(shared.join(format!("keyward-{uid}")));
    }
    Err(Error::new(ErrorKind::Refused, "run")
        .because("there is no folder in memory for the files")
        .hint("Use --fd instead of --file, or set XDG_RUNTIME_DIR to a folder on a tmpfs"))
}

/// Refuses a folder that was reached by a symbolic link: anybody can make one in `/dev/shm`, and it
/// could lead to a folder of this user that is no place for secrets, or has other files.
fn check_place(all: &PrivateDir) -> Result<()> {
    let failed = |error: std::io::Error| Error::io("run", error);
    let named = std::fs::symlink_metadata(all.path()).map_err(failed)?;
    let Some(opened) = all.open_dir(Path::new(""))? else { return Err(refused(all.path())) };
    let opened = File::from(opened).metadata().map_err(failed)?;
    if (named.dev(), named.ino()) != (opened.dev(), opened.ino()) || !is_in_memory(all.path()) {
        return Err(refused(all.path()));
    }
    Ok(())
}

fn refused(folder: &Path) -> Error {
    Error::new(ErrorKind::Refused, "run")
        .because(format!("{} is not a folder in memory", folder.display()))
        .hint("Remove it, or use --fd instead of --file")
}

/// Whether what is written to a folder stays in memory.
#[cfg(target_os = "linux")]
fn is_in_memory(folder: &Path) -> bool {
    const TMPFS: i32 = 0x0102_1994;
    // The type of the number depends on the machine.
    rustix::fs::statfs(folder).is_ok_and(|stat| i128::from(stat.f_type) == TMPFS.into())
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_: &Path) -> bool {
    false
}

/// Removes the folders of runs that have ended.
fn remove_ended(all: &PrivateDir) -> Result<()> {
    // Anything else in the folder is not ours.
    let is_run =
        |name: &String| name.len() == 32 && hex::decode(name.as_bytes(), &mut [0; 16]).is_some();
    for name in names(all, "")?.into_iter().filter(is_run) {
        // What is not accessible is left alone.
        let Ok(Some(_lock)) = locked(all, &name) else { continue };
        let files: Vec<_> = names(all, &name)?.into_iter().map(PathBuf::from).collect();
        if let Some(folder) = PrivateDir::open(&all.path().join(&name))? {
            remove(folder, &files)?;
        }
    }
    Ok(())
}

fn remove(folder: PrivateDir, files: &[PathBuf]) -> Result<()> {
    for file in files {
        folder.remove(file)?;
    }
    folder.destroy().map(drop)
}

/// Locks a folder; `None` if a run has locked it, or if it does not exist.
fn locked(all: &PrivateDir, name: &str) -> Result<Option<File>> {
    let Some(folder) = all.open_dir(Path::new(name))? else { return Ok(None) };
    match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(File::from(folder))),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(Error::io("run", error.into())),
    }
}

/// Returns the names in a folder, without those that the file layer keeps for itself.
fn names(all: &PrivateDir, folder: &str) -> Result<Vec<String>> {
    let failed = |error: Errno| Error::io("run", error.into());
    let Some(open) = all.open_dir(Path::new(folder))? else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in Dir::read_from(&open).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    Ok(names)
}
