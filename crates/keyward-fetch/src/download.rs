use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use keyward_authn::is_label;
use keyward_config::now;
use keyward_core::{Error, ErrorKind, Result};
use keyward_origin::Target;

use crate::draft::{Draft, Progress, Rest};
use crate::fetcher::{Answer, Fetcher};
use crate::hash::{self, HashName, Hasher, WantedHash};
use crate::part::{Part, Source, exists};
use crate::s3::Object;

/// The longest pause that a server can ask for.
const MAX_PAUSE: Duration = Duration::from_secs(5 * 60);

/// How a file is downloaded.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether a file that exists is replaced.
    pub overwrites: bool,
    /// The hashes to calculate.
    pub hashes: Vec<WantedHash>,
    /// How often a download is tried again if the server fails or the connection ends.
    pub retries: u32,
}

impl Default for Options {
    /// No file is replaced, no hash is calculated, and there are five more tries.
    fn default() -> Self {
        Self { overwrites: false, hashes: Vec::new(), retries: 5 }
    }
}

/// What a download has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// The URL that gave the file, after all redirects.
    pub url: String,
    /// The path of the file.
    pub path: PathBuf,
    /// Its length, in bytes.
    pub length: u64,
    /// Its hashes, in hexadecimal.
    pub hashes: Vec<(HashName, String)>,
    /// The name of the credential that was sent, if there was one.
    pub credential: Option<String>,
    /// How many bytes were there before, from a download that did not finish.
    pub resumed: u64,
}

impl Fetcher<'_> {
    /// Downloads a URL into a file, which appears once it is complete.
    ///
    /// If the server fails, is overloaded or ends the connection, the download is tried again. What is
    /// there already is not downloaded again if the server says that the file is the same: then a
    /// download also goes on that another process has begun.
    ///
    /// # Errors
    /// Those of [`open`](Self::open); [`Exists`](ErrorKind::Exists) if there is a file;
    /// [`NotFound`](ErrorKind::NotFound) for the status 404 or 410;
    /// [`Unauthorized`](ErrorKind::Unauthorized) for 401 and 403;
    /// [`Unavailable`](ErrorKind::Unavailable) for another status, or if the file is still not complete
    /// after several tries; [`Corrupt`](ErrorKind::Corrupt) for another hash than the known one;
    /// [`Locked`](ErrorKind::Locked) if another process downloads the file.
    pub fn download(
        &mut self,
        url: &str,
        path: &Path,
        options: &Options,
        progress: Progress<'_>,
    ) -> Result<Download> {
        let mut attempt = 0;
        loop {
            let failure = match self.try_download(url, path, options, progress) {
                Err(failure) => failure,
                Ok(download) => return Ok(download),
            };
            let Some(pause) =
                failure.pause(self.pause, attempt).filter(|_| attempt < options.retries)
            else {
                return Err(failure.error);
            };
            attempt += 1;
            sleep(pause);
        }
    }

    fn try_download(
        &mut self,
        url: &str,
        path: &Path,
        options: &Options,
        progress: Progress<'_>,
    ) -> Result<Download, Failure> {
        let mut part = open_part(path, options)?;
        let known = part.source().filter(|source| source.url == url);
        let answer = match &known {
            Some(source) => {
                let rest = Rest { start: part.length, validator: &source.validator };
                self.request(url, &Draft::rest(rest))?
            }
            None => self.open(url)?,
        };
        let resumed = known.as_ref().map_or(0, |_| part.length);
        let resumed = match answer.head.status {
            206 if resumed > 0 && begins_at(&answer, resumed) => {
                part.seek_to_end()?;
                resumed
            }
            206 | 416 if resumed > 0 => {
                part.restart(None)?;
                return Err(Failure::again("the server does not continue the download"));
            }
            _ => {
                check_status(&answer).map_err(|error| Failure::from_answer(error, &answer))?;
                let source = validator(&answer);
                let source = source.map(|validator| Source { url: url.to_owned(), validator });
                part.restart(source.as_ref())?;
                0
            }
        };
        complete(answer, part, path, resumed, options, progress)
    }
}

/// Writes the rest of a file, checks it and gives it its name.
fn complete(
    mut answer: Answer,
    mut part: Part,
    path: &Path,
    resumed: u64,
    options: &Options,
    progress: Progress<'_>,
) -> Result<Download, Failure> {
    let total = length(&answer).map(|length| length + resumed);
    let names = options.hashes.iter().map(|wanted| wanted.name);
    let mut hashers: Vec<_> = names.map(Hasher::new).collect();
    if resumed > 0 && !hashers.is_empty() {
        part.read(|bytes| hashers.iter_mut().for_each(|hasher| hasher.update(bytes)))?;
    }
    let mut buffer = vec![0; 256 << 10];
    loop {
        progress(part.length, total);
        let read = answer.body.read(&mut buffer).map_err(Failure::retried)?;
        if read == 0 {
            break;
        }
        part.write(&buffer[..read])?;
        hashers.iter_mut().for_each(|hasher| hasher.update(&buffer[..read]));
    }
    if total.is_some_and(|total| total != part.length) {
        return Err(Failure::again("the connection ended before the file did"));
    }
    let hashes: Vec<_> = hashers.into_iter().map(Hasher::finish).collect();
    for (wanted, found) in options.hashes.iter().zip(&hashes) {
        if let Err(error) = hash::check(wanted, found) {
            part.remove();
            return Err(error.into());
        }
    }
    let length = part.length;
    part.finish(path, options.overwrites, modified(&answer))?;
    Ok(Download {
        url: answer.target.to_string(),
        path: path.to_owned(),
        length,
        hashes: options.hashes.iter().map(|wanted| wanted.name).zip(hashes).collect(),
        credential: answer.credential,
        resumed,
    })
}

/// Why a try failed, and whether another one may succeed.
struct Failure {
    error: Error,
    /// Whether it may help to try again, and when if the server says so.
    retry: Option<Option<Duration>>,
}

impl Failure {
    fn again(why: &str) -> Self {
        Self::retried(Error::new(ErrorKind::Unavailable, "fetch").because(why.to_owned()))
    }

    fn retried(error: Error) -> Self {
        Self { error, retry: Some(None) }
    }

    fn from_answer(error: Error, answer: &Answer) -> Self {
        let wait = answer.head.values("retry-after").next().and_then(|text| {
            let seconds = || text.trim().parse().ok().map(Duration::from_secs);
            let left = |time: u64| Duration::from_secs(time.saturating_sub(now().as_unix()));
            seconds().or_else(|| unix_time(text).map(left))
        });
        let retry = matches!(answer.head.status, 429 | 500..).then_some(wait);
        Self { error, retry }
    }

    /// Returns how long to wait before the next try, if there should be one. Each pause is twice as
    /// long as the one before, unless the server says how long.
    fn pause(&self, first: Duration, attempt: u32) -> Option<Duration> {
        let wait =
            self.retry?.unwrap_or_else(|| first.saturating_mul(2_u32.saturating_pow(attempt)));
        (wait <= MAX_PAUSE).then_some(wait)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, retry: None }
    }
}

fn open_part(path: &Path, options: &Options) -> Result<Part> {
    match path.symlink_metadata() {
        Ok(_) if !options.overwrites => Err(exists(path)),
        // A pipe or a device would be replaced by a file.
        Ok(found) if !found.is_file() => {
            let why = format!("{} is not a regular file", path.display());
            Err(Error::new(ErrorKind::Exists, "fetch").because(why).hint("Use --output -"))
        }
        _ => Part::open(path),
    }
}

/// Whether the answer to a request for the rest of a file begins there.
fn begins_at(answer: &Answer, start: u64) -> bool {
    let range = answer.head.values("content-range").next();
    range.is_some_and(|range| range.starts_with(&format!("bytes {start}-")))
}

/// Returns what changes if the file does: a strong entity tag or, as RFC 9110 section 13.1.5 allows, a
/// date that is old enough.
fn validator(answer: &Answer) -> Option<String> {
    let tag = answer.head.values("etag").next().filter(|tag| tag.starts_with('"'));
    let old = || {
        let text = answer.head.values("last-modified").next()?;
        let age = now().as_unix().checked_sub(unix_time(text)?)?;
        (age > 60).then_some(text)
    };
    tag.or_else(old).filter(|text| !text.contains('\n')).map(str::to_owned)
}

/// Reads a date of HTTP, as seconds of Unix time.
pub(crate) fn unix_time(date: &str) -> Option<u64> {
    let time = httpdate::parse_http_date(date).ok()?;
    Some(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs())
}

pub(crate) fn length(answer: &Answer) -> Option<u64> {
    answer.head.values("content-length").next()?.parse().ok()
}

fn modified(answer: &Answer) -> Option<SystemTime> {
    httpdate::parse_http_date(answer.head.values("last-modified").next()?).ok()
}

/// Refuses an answer that is not what was asked for.
///
/// # Errors
/// As [`Fetcher::download`], for the status.
pub fn check_status(answer: &Answer) -> Result<()> {
    check_answer(answer, &[200])
}

/// Refuses an answer with another status than one of these.
pub(crate) fn check_answer(answer: &Answer, good: &[u16]) -> Result<()> {
    let kind = match answer.head.status {
        status if good.contains(&status) => return Ok(()),
        401 | 403 => ErrorKind::Unauthorized,
        404 | 410 => ErrorKind::NotFound,
        405 | 501 => ErrorKind::Unsupported,
        409 | 412 => ErrorKind::Conflict,
        _ => ErrorKind::Unavailable,
    };
    // A query can contain a secret.
    let (origin, path) = (answer.target.origin(), answer.target.path());
    let status = answer.head.status;
    let error =
        Error::new(kind, "fetch").because(format!("{origin}{path}: the status is {status}"));
    let error = match (status, &answer.credential) {
        (401, None) => error
            .hint("Name a credential with --credential, or for this server: keyward provider add"),
        _ => error,
    };
    let region = answer.head.values("x-amz-bucket-region").next();
    Err(match region.filter(|region| status != 404 && is_label(region)) {
        Some(region) => error.hint(format!("The bucket is in the region `{region}`")),
        None => error,
    })
}

/// Returns the name of the file in a URL; `None` if it has none that a file can have. A name is only made of
/// characters that mean nothing to a shell or a file system, and does not begin with a dot.
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid) for a URL that cannot be used.
pub fn file_name(url: &str) -> Result<Option<String>> {
    let path = path_of(url)?;
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~+".contains(c);
    let is_name =
        !name.is_empty() && !name.starts_with(['.', '-', '~']) && name.chars().all(is_plain);
    Ok(is_name.then(|| name.to_owned()))
}

/// Returns the path of a URL.
pub(crate) fn path_of(url: &str) -> Result<String> {
    match Object::parse(url)? {
        Some(object) => Ok(object.path().to_owned()),
        None => Ok(Target::parse(url)?.path().to_owned()),
    }
}
