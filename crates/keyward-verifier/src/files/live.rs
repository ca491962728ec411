use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use keyward_core::{Account, Error, ErrorKind, Result, Secret, Timestamp, Verifier, VerifierForm};
use keyward_fs::read_trusted;

use super::{Format, MAX_FILE, UserFile};

/// How long a file that was read may be used without a look at its content, if it was changed so
/// recently that its time would not show another change.
const RECHECK: Duration = Duration::from_millis(500);

/// The coarsest clock of a file system, in seconds.
const CLOCK: u64 = 2;

/// How often a file that changes while it is read is read again.
const ATTEMPTS: usize = 3;

/// A file that is read again when it has changed.
///
/// Each look costs one call to the operating system, which returns the time, the size and the number of
/// the file. A change is seen at once, and within half a second if the file was changed twice in a
/// moment.
pub struct LiveFile<T> {
    path: PathBuf,
    parse: Parse<T>,
    cached: bool,
    kept: Mutex<Option<Kept<T>>>,
}

type Parse<T> = Box<dyn Fn(&[u8]) -> Result<T> + Send + Sync>;

struct Kept<T> {
    stamp: Stamp,
    /// Whether the file had its stamp for so long that another change would give it another one.
    settled: bool,
    at: Instant,
    value: Arc<T>,
}

/// What changes when a file changes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl<T> LiveFile<T> {
    /// Makes one; the file is first read by [`get`](Self::get).
    pub fn new(
        path: impl Into<PathBuf>,
        parse: impl Fn(&[u8]) -> Result<T> + Send + Sync + 'static,
    ) -> Self {
        Self { path: path.into(), parse: Box::new(parse), cached: true, kept: Mutex::new(None) }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what the file contains now. `now` is the time of the host, which is compared with that of
    /// the file.
    ///
    /// # Errors
    /// - [`Unavailable`](ErrorKind::Unavailable): there is no file, or it cannot be read.
    /// - [`Refused`](ErrorKind::Refused): it is not a regular file, it belongs neither to this process's user
    ///   nor to root, or other users can write it.
    /// - [`Corrupt`](ErrorKind::Corrupt): it is too large.
    /// - The errors of the function that parses it.
    pub fn get(&self, now: Timestamp) -> Result<Arc<T>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = self.stamp()?;
        let settled = stamp.is_before(now);
        if let Some(kept) = &*kept
            && self.cached
            && kept.stamp == stamp
            && (kept.settled || kept.at.elapsed() < RECHECK)
        {
            return Ok(Arc::clone(&kept.value));
        }
        *kept = None;
        let (stamp, value) = self.read(stamp)?;
        let value = Arc::new(value);
        *kept = Some(Kept { stamp, settled, at: Instant::now(), value: Arc::clone(&value) });
        Ok(value)
    }

    fn read(&self, mut stamp: Stamp) -> Result<(Stamp, T)> {
        for attempt in 1..=ATTEMPTS {
            let content = read_trusted(&self.path, MAX_FILE);
            let after = self.stamp()?;
            if stamp == after || attempt == ATTEMPTS {
                let content = Secret::new(content?.ok_or_else(|| self.missing())?);
                return Ok((stamp, (self.parse)(content.expose())?));
            }
            stamp = after;
        }
        Err(self.missing())
    }

    fn stamp(&self) -> Result<Stamp> {
        let stat = fs::metadata(&self.path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => self.missing(),
            _ => {
                self.unavailable(format!("{} cannot be read", self.path.display())).caused_by(error)
            }
        })?;
        Ok(Stamp {
            file: (stat.dev(), stat.ino()),
            size: stat.size(),
            modified: (stat.mtime(), stat.mtime_nsec()),
            changed: (stat.ctime(), stat.ctime_nsec()),
        })
    }

    fn missing(&self) -> Error {
        self.unavailable(format!("{} does not exist", self.path.display()))
    }

    fn unavailable(&self, why: String) -> Error {
        Error::new(ErrorKind::Unavailable, "read the users").because(why)
    }
}

impl Stamp {
    fn is_before(&self, now: Timestamp) -> bool {
        let last = self.modified.0.max(self.changed.0);
        u64::try_from(last).is_ok_and(|last| now.as_unix() > last.saturating_add(CLOCK))
    }
}

impl<T> fmt::Debug for LiveFile<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The users of a file that is read again when it has changed: what a checker of files hands over.
#[derive(Debug)]
pub struct LiveUsers {
    file: LiveFile<UserFile>,
    format: Format,
}

impl LiveUsers {
    /// Makes one, with the arguments of [`UserFile::parse`].
    pub fn new(path: impl Into<PathBuf>, format: Format, legacy: bool) -> Self {
        let parsed = format.clone();
        let parse = move |content: &[u8]| UserFile::parse(content, &parsed, legacy);
        Self { file: LiveFile::new(path, parse), format }
    }

    /// Makes it read the file at each call.
    #[must_use]
    pub fn read_each_time(mut self) -> Self {
        self.file.cached = false;
        self
    }

    /// The users now.
    ///
    /// # Errors
    /// Those of [`LiveFile::get`].
    pub fn users(&self, now: Timestamp) -> Result<Arc<UserFile>> {
        self.file.get(now)
    }

    /// The account of a user, as [`Checker::account`](keyward_core::Checker::account) returns it.
    ///
    /// # Errors
    /// Those of [`LiveFile::get`].
    pub fn account(
        &self,
        user: &str,
        form: VerifierForm,
        now: Timestamp,
    ) -> Result<Option<Account>> {
        self.file.get(now)?.account(user, form, &self.format)
    }

    /// The verifier to be imitated, as [`Checker::example`](keyward_core::Checker::example) returns it.
    ///
    /// # Errors
    /// Those of [`LiveFile::get`].
    pub fn example(
        &self,
        pick: u64,
        form: VerifierForm,
        now: Timestamp,
    ) -> Result<Option<Verifier>> {
        Ok(self.file.get(now)?.example(pick, form).cloned())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn write(path: &Path, content: &str) {
        let mut file = fs::File::create(path).unwrap();
        std::io::Write::write_all(&mut file, content.as_bytes()).unwrap();
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(path, mode).unwrap();
    }

    #[test]
    fn a_change_is_seen_within_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        let live = LiveFile::new(&path, |content| Ok(String::from_utf8(content.to_vec()).unwrap()));
        let now = Timestamp::from_unix(0);
        let later = Timestamp::from_unix(1 << 40);
        assert_eq!(live.get(now).unwrap_err().kind(), ErrorKind::Unavailable);
        write(&path, "a");
        assert_eq!(*live.get(now).unwrap(), "a");
        assert!(Arc::ptr_eq(&live.get(now).unwrap(), &live.get(now).unwrap()));
        write(&path, "bc");
        assert_eq!(*live.get(now).unwrap(), "bc");
        // The same size at perhaps the same time.
        write(&path, "de");
        std::thread::sleep(RECHECK);
        assert_eq!(*live.get(now).unwrap(), "de");
        std::thread::sleep(RECHECK);
        let settled = live.get(later).unwrap();
        std::thread::sleep(RECHECK);
        assert!(Arc::ptr_eq(&settled, &live.get(later).unwrap()));
        // Another file takes its place, with the old time.
        write(&folder.path().join("new"), "fg");
        fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!(*live.get(later).unwrap(), "fg");
        fs::remove_file(&path).unwrap();
        assert_eq!(live.get(later).unwrap_err().kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn a_file_that_others_can_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        write(&path, "a");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let live = LiveFile::new(&path, |_| Ok(()));
        assert_eq!(live.get(Timestamp::from_unix(0)).unwrap_err().kind(), ErrorKind::Refused);
        let folder = LiveFile::new(folder.path(), |_| Ok(()));
        assert_eq!(folder.get(Timestamp::from_unix(0)).unwrap_err().kind(), ErrorKind::Refused);
    }
}
