use std::path::Path;

use keyward_core::{Error, Result};

use crate::download::{check_answer, length, path_of, unix_time};
use crate::draft::{Draft, Progress, Upload};
use crate::fetcher::{Answer, Fetcher};

/// What a server says about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The URL that gave the answer, after all redirects.
    pub url: String,
    /// The length of the file, in bytes.
    pub length: Option<u64>,
    /// When it was changed, in seconds since the start of 1970.
    pub modified: Option<u64>,
    /// Its type, as `text/csv`.
    pub media_type: Option<String>,
    /// The tag that another content would not have.
    pub tag: Option<String>,
    /// The version of an object in S3.
    pub version: Option<String>,
    /// The name of the credential that was sent, if there was one.
    pub credential: Option<String>,
}

impl Stat {
    fn from_answer(answer: Answer) -> Self {
        let text = |name| answer.head.values(name).next().map(str::to_owned);
        let modified = text("last-modified").and_then(|date| unix_time(&date));
        Self {
            url: answer.target.to_string(),
            length: length(&answer),
            modified,
            media_type: text("content-type"),
            tag: text("etag"),
            version: text("x-amz-version-id"),
            credential: answer.credential,
        }
    }
}

impl Fetcher<'_> {
    /// Asks what a server says about a file, without its content.
    ///
    /// # Errors
    /// Those of [`open`](Self::open); for the status, as [`download`](Self::download).
    pub fn stat(&mut self, url: &str) -> Result<Stat> {
        let answer = self.request(url, &Draft::new("HEAD"))?;
        check_answer(&answer, &[200])?;
        Ok(Stat::from_answer(answer))
    }

    /// Sends a file to a URL (PUT), where it replaces what is there. It is sent again if the server asks
    /// for a credential, or redirects with 307 or 308, and in no other case.
    ///
    /// # Errors
    /// Those of [`open`](Self::open) and of reading the file; for the status, as
    /// [`download`](Self::download), and [`Unsupported`](keyward_core::ErrorKind::Unsupported) for 405 and
    /// 501, [`Conflict`](keyward_core::ErrorKind::Conflict) for 409 and 412.
    pub fn upload(&mut self, path: &Path, url: &str, progress: Progress<'_>) -> Result<Stat> {
        check_name(url)?;
        let file = Upload::open(path, progress)?;
        let answer = self.request(url, &Draft::put(&file))?;
        check_answer(&answer, &[200, 201, 202, 204])?;
        Ok(Stat { length: Some(file.length), ..Stat::from_answer(answer) })
    }

    /// Deletes what is at a URL, and returns what the server says about that.
    ///
    /// # Errors
    /// As [`upload`](Self::upload).
    pub fn delete(&mut self, url: &str) -> Result<Stat> {
        check_name(url)?;
        let answer = self.request(url, &Draft::new("DELETE"))?;
        check_answer(&answer, &[200, 202, 204])?;
        Ok(Stat { length: None, ..Stat::from_answer(answer) })
    }
}

/// Refuses a URL that is not that of a file. Some servers would replace or delete the whole folder.
fn check_name(url: &str) -> Result<()> {
    if path_of(url)?.ends_with('/') {
        return Err(Error::invalid("url", "it ends with `/`, so it does not name a file"));
    }
    Ok(())
}
