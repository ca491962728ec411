//! A request that is written again for each URL to which a redirect leads.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use keyward_config::now;
use keyward_core::{Error, ErrorKind, Header, RequestHead, ResponseHead, Result, Secret};
use keyward_origin::Target;

/// Gets to know how many bytes there are, and how many there will be if the server says so.
pub type Progress<'a> = &'a mut dyn FnMut(u64, Option<u64>);

/// What is requested of a URL.
pub(crate) struct Draft<'a> {
    pub(crate) method: &'static str,
    /// Headers that go to every URL.
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Option<&'a Upload<'a>>,
    /// What is wanted of the file, if it is not the whole of it.
    pub(crate) rest: Option<Rest<'a>>,
}

impl<'a> Draft<'a> {
    /// A request without a body.
    pub(crate) fn new(method: &'static str) -> Self {
        // A body that is compressed would have another length and another hash.
        let identity = Header::new("accept-encoding", "identity");
        Self { method, headers: vec![identity], body: None, rest: None }
    }

    /// A request for the rest of a file.
    pub(crate) fn rest(rest: Rest<'a>) -> Self {
        let mut draft = Self { rest: Some(rest), ..Self::new("GET") };
        draft.headers.extend(rest.headers());
        draft
    }

    /// A request that sends a file.
    pub(crate) fn put(file: &'a Upload<'a>) -> Self {
        Self { body: Some(file), ..Self::new("PUT") }
    }

    /// Returns the head of the request for a target.
    pub(crate) fn head(&self, target: &Target) -> RequestHead {
        let headers = self.headers.clone();
        RequestHead { method: self.method.into(), url: target.to_string(), headers }
    }

    /// Refuses to do more than read where only reading is possible.
    pub(crate) fn check_reads(&self, target: &Target) -> Result<()> {
        match self.method {
            "GET" | "HEAD" => Ok(()),
            _ => Err(Error::new(ErrorKind::Unsupported, "fetch").because(format!(
                "a file can be sent or deleted over HTTP, and not over {}",
                target.origin().scheme
            ))),
        }
    }

    /// Refuses to write or delete at another server because one says so, which may have no right to, and
    /// to do it with a folder.
    pub(crate) fn check_redirect(&self, from: &Target, to: &Target) -> Result<()> {
        if matches!(self.method, "GET" | "HEAD") {
            return Ok(());
        }
        let why = if from.origin() != to.origin() {
            format!("{} says that the file is at {}{}", from.origin(), to.origin(), to.path())
        } else if to.path().ends_with('/') {
            format!("{} says that the file is {}, a folder", from.origin(), to.path())
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Refused, "fetch")
            .because(why)
            .hint("If that is what you want, name that URL"))
    }

    /// Whether a redirect with this status leads to the same request of another URL. Nothing is
    /// changed or removed at a URL that only says where something is now.
    pub(crate) fn follows(&self, status: u16) -> bool {
        match self.method {
            "GET" | "HEAD" => matches!(status, 301 | 302 | 303 | 307 | 308),
            _ => matches!(status, 307 | 308),
        }
    }
}

/// The rest of a file of which there is a part already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest<'a> {
    /// Where it begins.
    pub(crate) start: u64,
    /// The entity tag or the date that the file must still have.
    pub(crate) validator: &'a str,
}

impl Rest<'_> {
    /// Returns the headers that ask for it (RFC 9110 section 14).
    fn headers(&self) -> [Header; 2] {
        [
            Header::new("range", format!("bytes={}-", self.start)),
            Header::new("if-range", self.validator),
        ]
    }
}

/// Returns what an HTTP server would say about a file, and where its content begins.
pub(crate) fn head_of_file(
    length: Option<u64>,
    modified: Option<SystemTime>,
    draft: &Draft<'_>,
) -> (ResponseHead, u64) {
    let mut headers = Vec::new();
    let mut tag = None;
    if let (Some(length), Some(modified)) = (length, modified) {
        let date = httpdate::fmt_http_date(modified);
        let seconds = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        headers.push(Header::new("last-modified", date));
        // A file that has just changed may change again within the same second.
        if now().as_unix().saturating_sub(seconds) > 60 {
            tag = Some(format!("\"{length}-{seconds}\""));
        }
    }
    let rest = draft.rest.filter(|rest| tag.as_deref() == Some(rest.validator));
    let start = rest.map_or(0, |rest| rest.start);
    if let Some(tag) = tag {
        headers.push(Header::new("etag", tag));
    }
    if let Some(length) = length {
        headers.push(Header::new("content-length", length.saturating_sub(start).to_string()));
        if start > 0 {
            let last = length.saturating_sub(1);
            headers.push(Header::new("content-range", format!("bytes {start}-{last}/{length}")));
        }
    }
    let status = if start > 0 { 206 } else { 200 };
    (ResponseHead { status, headers, body_start: Secret::default() }, start)
}

/// Opens a file, and does not wait if it is a pipe.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    options.read(true).open(path)
}

/// A file that is sent, maybe several times: to be hashed, without a credential, and with one.
pub(crate) struct Upload<'a> {
    file: File,
    pub(crate) length: u64,
    progress: RefCell<Progress<'a>>,
}

impl<'a> Upload<'a> {
    /// Opens a regular file.
    pub(crate) fn open(path: &Path, progress: Progress<'a>) -> Result<Self> {
        let failed =
            |error: io::Error| Error::invalid("upload", format!("{}: {error}", path.display()));
        let file = open_file(path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        if !found.is_file() {
            let why = format!("{} is not a regular file", path.display());
            return Err(Error::invalid("upload", why));
        }
        Ok(Self { file, length: found.len(), progress: RefCell::new(progress) })
    }

    /// Reads the file from its beginning.
    pub(crate) fn reader(&self) -> Result<Reader<'_, 'a>> {
        (&self.file).rewind().map_err(|error| Error::io("upload", error))?;
        Ok(Reader { upload: self, done: 0, shows: false })
    }
}

/// Reads as many bytes as the file had when it was opened.
pub(crate) struct Reader<'r, 'a> {
    upload: &'r Upload<'a>,
    done: u64,
    shows: bool,
}

impl Reader<'_, '_> {
    /// Returns the same, which shows how much was read.
    pub(crate) fn with_progress(self) -> Self {
        Self { shows: true, ..self }
    }
}

impl Read for Reader<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let total = self.upload.length;
        let read = (&self.upload.file).take(total - self.done).read(buffer)?;
        if read == 0 && !buffer.is_empty() && self.done < total {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
        }
        self.done += read as u64;
        if self.shows {
            (self.upload.progress.borrow_mut())(self.done, Some(total));
        }
        Ok(read)
    }
}
