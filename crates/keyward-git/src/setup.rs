use std::path::Path;
use std::time::Duration;

use keyward_core::{ErrorKind, LockMode, Result, Secret};
use keyward_fs::{FileLock, PrivateDir};

use crate::backup::Backup;
use crate::file::ConfigFile;
use crate::helper::{Call, Helper};
use crate::program::Git;
use crate::run::MAX;

/// How many times to try a change again if another process changes the file meanwhile.
const ATTEMPTS: usize = 8;

/// How long to wait for another setup.
const WAIT: Duration = Duration::from_secs(10);

/// The copy of a configuration file that git edits.
const COPY: &str = "copy";

/// Keyward's lines in a configuration file of git.
///
/// Git edits a copy in a private folder. Then the copy replaces the file, unless the file has
/// changed meanwhile. So the previous content is known to the byte.
///
/// # Errors
/// - [`Invalid`](ErrorKind::Invalid): git cannot read the file.
/// - [`Refused`](ErrorKind::Refused): the file is not a regular file, or belongs to another user.
/// - [`Locked`](ErrorKind::Locked): another process keeps the file locked.
/// - [`Conflict`](ErrorKind::Conflict): other processes keep changing the file.
/// - [`Corrupt`](ErrorKind::Corrupt): the previous content, which Keyward kept, is damaged.
#[derive(Debug)]
pub struct Setup<'a> {
    git: &'a Git,
    file: &'a ConfigFile,
    folder: PrivateDir,
    _lock: FileLock,
}

/// The credential helpers of a file before and after a change.
#[derive(Debug)]
pub struct Change {
    /// The helpers before.
    pub before: Vec<Helper>,
    /// The helpers after.
    pub after: Vec<Helper>,
    /// Whether the file has exactly the content that it had before Keyward changed it.
    pub restored: bool,
}

#[expect(
    clippy::missing_errors_doc,
    reason = "the page of the type lists the errors of all of them"
)]
impl<'a> Setup<'a> {
    /// Waits for other setups to end and excludes new ones. The previous content of the file is
    /// kept in `folder`.
    pub fn begin(git: &'a Git, file: &'a ConfigFile, folder: &Path) -> Result<Self> {
        let folder = PrivateDir::create(folder)?;
        let _lock = folder.lock("setup", LockMode::Exclusive, WAIT)?;
        Ok(Self { git, file, folder, _lock })
    }

    /// Returns an error if git cannot read the file, before anything is created for it.
    pub fn check(&self) -> Result<()> {
        self.helpers(self.file.read()?.as_ref()).map(drop)
    }

    /// Adds this call after the helpers that the file has; with `only`, git forgets all helpers
    /// before it. If git already makes this call, nothing changes.
    pub fn add(&self, call: &Call, only: bool) -> Result<Change> {
        self.change(|current| {
            if is_configured(&self.helpers(current)?, call, only) {
                return Ok((current.cloned(), false));
            }
            let (without, _) = self.without(current)?;
            let after = self.edited(without.as_ref(), |copy| {
                if only {
                    self.git.add(copy, "")?;
                }
                self.git.add(copy, &call.value)
            })?;
            // `undo` restores lines for Keyward that the user wrote by hand.
            let is_first = Backup::load(&self.folder, self.file.path())?.is_none();
            let before = if is_first { current.cloned() } else { without };
            Backup::new(before, &after).save(&self.folder, self.file.path())?;
            Ok((Some(after), false))
        })
    }

    /// Restores the previous content.
    pub fn undo(&self) -> Result<Change> {
        let change = self.change(|current| self.without(current))?;
        Backup::forget(&self.folder, self.file.path())?;
        Ok(change)
    }

    /// Replaces the content of the file by the one that `new` makes of it.
    fn change(
        &self,
        new: impl Fn(Option<&Secret>) -> Result<(Option<Secret>, bool)>,
    ) -> Result<Change> {
        let mut attempts = 0..ATTEMPTS;
        loop {
            attempts.next();
            let current = self.file.read()?;
            let (new, restored) = new(current.as_ref())?;
            let change = Change {
                before: self.helpers(current.as_ref())?,
                after: self.helpers(new.as_ref())?,
                restored,
            };
            if new == current {
                return Ok(change);
            }
            match self.file.replace(current.as_ref(), new.as_ref()) {
                Err(error) if error.kind() == ErrorKind::Conflict && !attempts.is_empty() => {}
                done => return done.map(|()| change),
            }
        }
    }

    /// Returns the file without Keyward: its previous content if nothing has changed it since,
    /// which the flag reports, otherwise the current content without the lines that call Keyward.
    fn without(&self, current: Option<&Secret>) -> Result<(Option<Secret>, bool)> {
        let Some(current) = current else { return Ok((None, false)) };
        let mut had_reset = false;
        if let Some(backup) = Backup::load(&self.folder, self.file.path())? {
            if backup.is_unchanged(current) {
                return Ok((backup.before, true));
            }
            had_reset = self.helpers(backup.before.as_ref())?.iter().any(Helper::is_reset);
        }
        let helpers = self.helpers(Some(current))?;
        let without = self.edited(Some(current), |copy| {
            for value in to_remove(&helpers, had_reset) {
                self.git.remove(copy, value)?;
            }
            Ok(())
        })?;
        Ok((Some(without), false))
    }

    fn helpers(&self, content: Option<&Secret>) -> Result<Vec<Helper>> {
        let Some(content) = content else { return Ok(Vec::new()) };
        self.folder.replace(Path::new(COPY), content.expose())?;
        let helpers = self.git.helpers(&self.folder.path().join(COPY));
        self.folder.remove(Path::new(COPY))?;
        helpers
    }

    /// Returns a configuration after git has edited it.
    fn edited(
        &self,
        content: Option<&Secret>,
        edit: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Secret> {
        let copy = Path::new(COPY);
        self.folder.replace(copy, content.map_or(&[][..], Secret::expose))?;
        let done = edit(&self.folder.path().join(copy));
        let edited = self.folder.read(copy, MAX);
        self.folder.remove(copy)?;
        done?;
        Ok(Secret::new(edited?.unwrap_or_default()))
    }
}

/// Whether git makes this call once, and no empty value after it makes git forget it; with `only`,
/// whether git also has no other helper.
fn is_configured(helpers: &[Helper], call: &Call, only: bool) -> bool {
    let reset = helpers.iter().rposition(Helper::is_reset);
    let alone = reset.is_some_and(|reset| helpers.len() == reset + 2);
    let mut calls =
        helpers.iter().enumerate().filter_map(|(at, it)| Some((at, it.keyward.as_ref()?)));
    let (Some((at, there)), None) = (calls.next(), calls.next()) else { return false };
    there.does_the_same_as(call) && Some(at) > reset && (alone || !only)
}

/// Returns the values that call Keyward, and the empty value that `--only` puts before them. If
/// there are several empty values, or there was one before, then Keyward did not write them all,
/// and they stay.
fn to_remove(helpers: &[Helper], had_reset: bool) -> Vec<&str> {
    let mut values: Vec<&str> =
        helpers.iter().filter_map(|helper| Some(&*helper.keyward.as_ref()?.value)).collect();
    values.sort_unstable();
    values.dedup();
    let resets = helpers.iter().filter(|helper| helper.is_reset()).count();
    let is_ours = |pair: &[Helper]| pair[0].is_reset() && pair[1].keyward.is_some();
    if resets == 1 && !had_reset && helpers.windows(2).any(is_ours) {
        values.push("");
    }
    values
}
