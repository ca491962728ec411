//! Uses git's own credential helpers through git itself: git-credential(1).

mod credential;
mod lines;

use std::time::Duration;

use keyward_config::Environment;
use keyward_core::{Change, EntryId, Error, ErrorKind, Page, Query, Record, Result, Source};
use keyward_helper::git::Request;
use keyward_kinds::fields;
use keyward_origin::Location;

use credential::{GitCredential, Paths};
use lines::{from_record, to_record};

/// The credentials of git's credential helpers, as records.
///
/// The name of an entry is its [`Location`]: `https://example.com` or `https://ann@example.com`. The
/// location may have a path, which git then passes to the helpers. An entry whose name is not a
/// location does not exist; nor does an entry of a user other than the one whom
/// [`new`](Self::new) names.
///
/// Git does not prompt, and does not ask Keyward in turn ([`GIT_ASKS`]). It runs outside any
/// repository, so that only the configuration of the system and of the user determines the helpers.
///
/// # Contract
/// - A record is bound to the requested origin. The source refuses an answer for another origin.
/// - Helpers store what they support: `credential-store` stores neither expiry nor refresh token.
///   [`put`](Self::put) therefore reads the record again, and fails if any part of it is missing.
/// - [`update`](Source::update) is not atomic: git has neither revisions nor locks.
///
/// # Errors
/// - [`Unavailable`](ErrorKind::Unavailable): git is missing, failed, was stopped by a helper
///   (`quit`), or took too long. If git takes too long, the source kills it and the helpers that it
///   started.
/// - [`Refused`](ErrorKind::Refused): git's answer is for another location, or does not follow git's
///   protocol; or the record to store is not for the location's origin.
/// - [`Unsupported`](ErrorKind::Unsupported): the credential is ephemeral, git's protocol cannot
///   carry the record, or no helper stores it. [`list`](Source::list) always returns this error.
///
/// # Security
/// A secret only goes through pipes, never through arguments or the environment.
///
/// # Examples
/// ```no_run
/// use std::time::Duration;
///
/// use keyward_config::Environment;
/// use keyward_core::{EntryId, Source};
/// use keyward_git::GitSource;
///
/// let git = GitSource::new(Environment::current(), "ann", Duration::from_secs(10));
/// let record = git.get(&EntryId::new("ann", Some("https://bot@example.com"))?)?;
/// assert_eq!(record.origins[0].host, "example.com");
/// # Ok::<(), keyward_core::Error>(())
/// ```
///
/// [`GIT_ASKS`]: crate::GIT_ASKS
#[derive(Debug)]
pub struct GitSource {
    git: GitCredential,
    user: String,
}

impl GitSource {
    /// Makes a source of this user's records that runs git in this environment. Each run of git may
    /// take as long as `limit`.
    pub fn new(environment: Environment, user: impl Into<String>, limit: Duration) -> Self {
        Self { git: GitCredential { environment, limit }, user: user.into() }
    }

    /// Returns the credential that git uses for this location. As for git's own commands, a path
    /// counts only if `credential.useHttpPath` is set.
    ///
    /// # Errors
    /// - [`NotFound`](ErrorKind::NotFound): none of git's helpers has a credential.
    /// - The errors of the source.
    pub fn find(&self, asked: &Location) -> Result<Record> {
        found(self.ask(asked, Paths::AsConfigured)?)
    }

    /// Returns the location in the name of the entry.
    fn location(&self, id: &EntryId) -> Option<Location> {
        let name = id.name().filter(|_| id.user() == self.user)?;
        Location::parse(name).ok().filter(|location| location.to_string() == name)
    }

    /// Returns git's answer; `None` if no helper has a credential.
    fn ask(&self, asked: &Location, paths: Paths) -> Result<Option<Request>> {
        let Some(answer) = self.git.fill(asked, paths)? else { return Ok(None) };
        let answer = Request::parse(answer.expose()).map_err(|error| {
            refused(format!("git's answer cannot be used: {}", error.message()))
        })?;
        let is_of = |found: &Location| {
            let same = |asked: Option<&str>, found| asked.is_none() || asked == found;
            found.origin() == asked.origin()
                && same(asked.account(), found.account())
                // A user who configures git to ignore paths wants one credential for all of them.
                && (found.path().is_none() || found.path() == asked.path())
        };
        if !answer.location.as_ref().is_some_and(is_of) {
            return Err(refused("a helper answered for a URL that git did not request"));
        }
        Ok(Some(answer))
    }
}

impl GitSource {
    /// Makes git's helpers store the record, and replace the one that they have for this entry.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if git cannot store such a record, or none of its
    /// helpers returns it.
    pub fn put(&self, id: &EntryId, record: &Record) -> Result<()> {
        let location = self
            .location(id)
            .ok_or_else(|| unsupported("put", "git can store only entries whose name is a URL"))?;
        let credential = from_record(record, &location)?;
        self.git.approve(&location, &credential)?;
        // Git does not report whether a helper stored it, and has no helper by default.
        match self.get(id) {
            Ok(kept) if from_record(&kept, &location)? == credential => Ok(()),
            Err(error) if !error.is_miss() => Err(error),
            _ => Err(unsupported(
                "put",
                "no helper of git returns the whole record after git stored it",
            )),
        }
    }

    /// Makes git's helpers remove the entry.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if they have no such entry.
    pub fn erase(&self, id: &EntryId) -> Result<()> {
        let record = self.get(id)?;
        let location = self.location(id).ok_or_else(|| Error::not_found("erase"))?;
        let username = record.field(fields::USERNAME).map(|field| field.value.clone());
        self.git.reject(&location, username)?;
        match self.get(id) {
            Ok(left) if left == record => {
                Err(unsupported("erase", "one of git's helpers still returns the removed entry"))
            }
            Err(error) if !error.is_miss() => Err(error),
            _ => Ok(()),
        }
    }
}

impl Source for GitSource {
    fn get(&self, id: &EntryId) -> Result<Record> {
        found(match self.location(id) {
            Some(location) => self.ask(&location, Paths::Count)?,
            None => None,
        })
    }

    fn contains(&self, id: &EntryId) -> Result<bool> {
        match self.get(id) {
            Err(error) if error.is_miss() => Ok(false),
            found => found.map(|_| true),
        }
    }

    fn update(
        &self,
        id: &EntryId,
        change: &mut dyn FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        let old = match self.get(id) {
            Ok(record) => Some(record),
            Err(error) if error.is_miss() => None,
            Err(error) => return Err(error),
        };
        let is_there = old.is_some();
        match change(old)? {
            Change::Put(record) => self.put(id, &record),
            Change::Remove if is_there => self.erase(id),
            Change::Leave | Change::Remove => Ok(()),
        }
    }

    fn list(&self, _: &Query<'_>) -> Result<Page> {
        Err(unsupported("list", "git's helpers cannot list what they store"))
    }
}

/// Returns the record for git's answer.
fn found(answer: Option<Request>) -> Result<Record> {
    let record = answer.as_ref().map(to_record).transpose()?.flatten();
    record.ok_or_else(|| Error::not_found("get").in_backend(NAME))
}

/// The name of the source in errors.
const NAME: &str = "git";

fn refused(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Refused, "get").in_backend(NAME).because(why)
}

fn unsupported(operation: &'static str, why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unsupported, operation).in_backend(NAME).because(why)
}
