use std::fs::File;
use std::io::Read;

use keyward_core::{Error, Result};

use crate::curl::Transfer;

/// The body of an answer: the content of a file.
#[derive(Debug)]
pub struct Body(Inner);

#[derive(Debug)]
enum Inner {
    Http(keyward_http::Body),
    Curl(Transfer),
    File(File),
}

impl Body {
    /// Reads some bytes into a buffer, and returns how many; 0 at the end.
    ///
    /// # Errors
    /// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if the connection ends before the body does.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match &mut self.0 {
            Inner::Http(body) => body.read(buffer),
            Inner::Curl(transfer) => transfer.read(buffer),
            Inner::File(file) => file.read(buffer).map_err(|error| Error::io("fetch", error)),
        }
    }
}

impl From<keyward_http::Body> for Body {
    fn from(body: keyward_http::Body) -> Self {
        Self(Inner::Http(body))
    }
}

impl From<Transfer> for Body {
    fn from(transfer: Transfer) -> Self {
        Self(Inner::Curl(transfer))
    }
}

impl From<File> for Body {
    fn from(file: File) -> Self {
        Self(Inner::File(file))
    }
}
