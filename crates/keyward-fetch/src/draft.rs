//! A request that is written again for each URL to which a redirect leads.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use keyward_core::{Error, Header, RequestHead, Result};
use keyward_origin::Target;

/// Gets to know how many bytes there are, and how many there will be if the server says so.
pub type Progress<'a> = &'a mut dyn FnMut(u64, Option<u64>);

/// What is requested of a URL.
pub(crate) struct Draft<'a> {
    pub(crate) method: &'static str,
    /// Headers that go to every URL.
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Option<&'a Upload<'a>>,
}

impl<'a> Draft<'a> {
    /// A request without a body.
    pub(crate) fn new(method: &'static str) -> Self {
        // A body that is compressed would have another length and another hash.
        let identity = Header::new("accept-encoding", "identity");
        Self { method, headers: vec![identity], body: None }
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

    /// Whether a redirect with this status leads to the same request of another URL. Nothing is
    /// changed or removed at a URL that only says where something is now.
    pub(crate) fn follows(&self, status: u16) -> bool {
        match self.method {
            "GET" | "HEAD" => matches!(status, 301 | 302 | 303 | 307 | 308),
            _ => matches!(status, 307 | 308),
        }
    }
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
        let file = File::open(path).map_err(failed)?;
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
