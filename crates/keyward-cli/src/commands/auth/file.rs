//! Reads and changes a file of users.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward_core::{Error, ErrorKind, Result, Secret, printable};
use keyward_verifier::files::MAX_FILE;
use rustix::fs::{FlockOperation, Gid, OFlags, Uid, fchown, flock};
use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::stop::{Outcome, usage_error};

/// Returns the content of a file.
pub(super) fn read(path: &Path) -> Outcome<Secret> {
    match read_if_exists(path)? {
        Some((content, _)) => Ok(content),
        None => Err(usage_error(format!("{} does not exist", shown(path)))),
    }
}

/// Replaces the content of a file by what `change` makes of it; a file that does not exist is empty.
///
/// The file is replaced at once and durably, and keeps its mode and its owner. A new one can be read by its
/// owner only. Another `keyward` waits; if another program writes the file in the meantime, the change
/// fails.
pub(super) fn change(path: &Path, change: impl FnOnce(&Secret) -> Outcome<Secret>) -> Outcome {
    // A link stays, and its target is replaced.
    let path = match fs::canonicalize(path) {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(failed(path, error).into()),
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).to_owned();
    let lock = File::open(&folder).map_err(|error| not_opened(&folder, error))?;
    lock_within(&lock, LOCK_WAIT).map_err(|error| failed(&folder, error))?;
    let old = read_if_exists(&path)?;
    let (content, stat) =
        old.map_or_else(Default::default, |(content, stat)| (content, Some(stat)));
    let new = change(&content)?;
    // A signal must not leave the temporary file.
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::default())
            .map_err(|error| Error::io("write the file", error))?;
    }
    Ok(replace(&path, &folder, &lock, &new, stat.as_ref())?)
}

/// How long another program may keep the lock. Any program that can read the folder can lock it.
const LOCK_WAIT: Duration = Duration::from_secs(30);

fn lock_within(lock: &File, wait: Duration) -> io::Result<()> {
    let end = Instant::now() + wait;
    loop {
        match rustix::io::retry_on_intr(|| flock(lock, FlockOperation::NonBlockingLockExclusive)) {
            Err(Errno::WOULDBLOCK) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(Errno::WOULDBLOCK) => {
                let why = "another program has locked the folder for 30 seconds";
                return Err(io::Error::new(io::ErrorKind::WouldBlock, why));
            }
            outcome => return Ok(outcome?),
        }
    }
}

fn replace(
    path: &Path,
    folder: &Path,
    opened: &File,
    content: &Secret,
    old: Option<&Metadata>,
) -> Result<()> {
    let failed = |error| failed(path, error);
    // The mode is that of the owner only until the file is complete.
    let mut file =
        tempfile::Builder::new().prefix(".keyward-").tempfile_in(folder).map_err(failed)?;
    file.write_all(content.expose()).map_err(failed)?;
    if let Some(old) = old {
        let own = file.as_file().metadata().map_err(failed)?;
        if (own.uid(), own.gid()) != (old.uid(), old.gid()) {
            let (owner, group) = (Uid::from_raw(old.uid()), Gid::from_raw(old.gid()));
            fchown(file.as_file(), Some(owner), Some(group))
                .map_err(|error| failed(error.into()))?;
        }
        file.as_file().set_permissions(old.permissions()).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    let now = fs::metadata(path).ok();
    if now.as_ref().map(stamp) != old.map(stamp) {
        let why = format!("another program has changed {}", shown(path));
        return Err(Error::new(ErrorKind::Conflict, "write the file").because(why));
    }
    let written = match old {
        Some(_) => file.persist(path),
        None => file.persist_noclobber(path),
    };
    written.map_err(|refused| failed(refused.error))?;
    opened.sync_all().map_err(failed)
}

/// What changes when a file changes.
fn stamp(stat: &Metadata) -> (u64, u64, u64, i64, i64) {
    (stat.dev(), stat.ino(), stat.size(), stat.mtime(), stat.mtime_nsec())
}

fn read_if_exists(path: &Path) -> Outcome<Option<(Secret, Metadata)>> {
    // A named pipe would wait for a writer.
    let options =
        OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path);
    let file = match options {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, error).into()),
    };
    let stat = file.metadata().map_err(|error| failed(path, error))?;
    if !stat.is_file() {
        return Err(usage_error(format!("{} is not a regular file", shown(path))));
    }
    let content = Secret::read_from(file, MAX_FILE).map_err(|error| failed(path, error))?;
    Ok(Some((content, stat)))
}

fn not_opened(folder: &Path, error: io::Error) -> crate::stop::Stop {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            usage_error(format!("{}: {error}", shown(folder)))
        }
        _ => failed(folder, error).into(),
    }
}

fn failed(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "file of users").because(format!("{}: {error}", shown(path)))
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string()).to_string()
}
