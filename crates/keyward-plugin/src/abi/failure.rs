//! Errors in calls: a status, and the texts of the error.

use keyward_core::{Error, ErrorKind};
use std::borrow::Cow;

use super::data::{Buffer, Failure};
use super::layout::Table;
use super::{STATUS_OK, STATUS_PANICKED, STATUS_POISONED};

/// More than the length of any text of an error.
const LONGEST: usize = 16 << 10;

impl Failure {
    /// Makes a table without any text.
    #[expect(clippy::new_without_default, reason = "it is passed in a call, never kept")]
    pub const fn new() -> Self {
        Self {
            size: size_of::<Self>() as u32,
            reserved: 0,
            operation: Buffer::NULL,
            backend: Buffer::NULL,
            message: Buffer::NULL,
            hint: Buffer::NULL,
            cause: Buffer::NULL,
        }
    }

    /// Writes an error into the table and returns its status.
    ///
    /// # Safety
    /// `failure` is NULL or a table whose maker has initialized it.
    pub unsafe fn report(failure: *mut Self, error: &Error) -> i32 {
        // If the table is shorter than in version 1.0, the caller did not initialize it.
        if !failure.is_null() && (*failure).size as usize >= Self::LEAST {
            let text = |text: &str| match text {
                "" => Buffer::NULL,
                text => Buffer::new(text.as_bytes().to_vec()),
            };
            let failure = &mut *failure;
            // First, because causes may panic, and text that was written before would be lost.
            failure.cause = text(&causes(error));
            failure.operation = text(error.operation());
            failure.backend = text(error.backend());
            failure.message = text(error.message());
            failure.hint = text(error.advice().unwrap_or_default());
        }
        error.kind().code().into()
    }

    /// Returns the error of a call, unless the call succeeded.
    ///
    /// # Errors
    /// The error of the call.
    ///
    /// # Safety
    /// The callee must have written valid buffers.
    pub unsafe fn read(mut self, operation: &'static str, status: i32) -> Result<(), Error> {
        let text = |buffer: &mut Buffer| {
            let bytes = buffer.take(LONGEST).ok().flatten();
            bytes.map(|bytes| String::from_utf8_lossy(bytes.expose()).into_owned())
        };
        // All buffers are taken, so that all are released, for every status.
        let (said, backend) = (text(&mut self.operation), text(&mut self.backend));
        let (message, hint) = (text(&mut self.message), text(&mut self.hint));
        let cause = text(&mut self.cause);
        let kind = match status {
            STATUS_OK => return Ok(()),
            status => u8::try_from(status).map_or(ErrorKind::Other, ErrorKind::from_code),
        };
        let operation = said.filter(|said| !said.is_empty()).map_or(operation.into(), Cow::Owned);
        let message = message.or(match status {
            STATUS_PANICKED => Some("it panicked".into()),
            STATUS_POISONED => Some("it panicked before and cannot be used again".into()),
            _ => None,
        });
        let mut error = Error::new(kind, operation)
            .because(message.unwrap_or_default())
            .hint(hint.unwrap_or_default());
        if let Some(backend) = backend.filter(|backend| !backend.is_empty()) {
            error = error.in_backend(&backend);
        }
        Err(match cause {
            Some(cause) => error.caused_by(cause),
            None => error,
        })
    }
}

fn causes(error: &Error) -> String {
    let mut text = String::new();
    for cause in error.causes() {
        let separator = if text.is_empty() { "" } else { "\n" };
        text += &format!("{separator}{cause}");
        if text.len() >= LONGEST {
            break;
        }
    }
    text.truncate(text.floor_char_boundary(LONGEST));
    text
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    fn crossed(error: &Error) -> Error {
        let mut failure = Failure::new();
        // SAFETY: the table was initialized on the line above.
        unsafe {
            let status = Failure::report(&mut failure, error);
            failure.read("call", status).unwrap_err()
        }
    }

    #[test]
    fn an_error_is_passed_without_loss() {
        for code in 0..=255 {
            let kind = ErrorKind::from_code(code);
            let error = Error::new(kind, "get")
                .because("the disk is on fire")
                .hint("Put it out")
                .in_backend("file")
                .caused_by(std::io::Error::other("hot"));
            let other = crossed(&error);
            assert_eq!(other.kind(), kind);
            assert_eq!(other.to_string(), error.to_string());
            assert_eq!(other.advice(), error.advice());
            assert_eq!(other.source().unwrap().to_string(), "hot");
        }
    }

    #[test]
    fn an_error_without_texts_stays_without_texts() {
        let other = crossed(&Error::corrupt("unseal"));
        assert_eq!(other.to_string(), Error::corrupt("unseal").to_string());
        assert!(other.source().is_none() && other.advice().is_none());
    }

    #[test]
    fn an_unknown_status_is_another_failure() {
        for status in [-1, 99, 256, i32::MAX, i32::MIN, STATUS_PANICKED, STATUS_POISONED] {
            // SAFETY: no code wrote to the table.
            let error = unsafe { Failure::new().read("get", status) }.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Other);
            assert_eq!(error.operation(), "get");
        }
    }
}
