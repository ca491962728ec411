use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::PoisonError;

/// The result of Keyward's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an error, as far as code needs to know it.
///
/// The numbers are stable: plugins send them to Keyward, and the program's exit code depends on
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum ErrorKind {
    /// There is no such entry. This is the only kind after which a look-up tries its next source.
    NotFound = 1,
    /// The request makes no sense: a bad name, option or configuration.
    Invalid = 2,
    /// It exists already.
    Exists = 3,
    /// This backend cannot do that, or cannot hold a value like this.
    Unsupported = 4,
    /// Refused as unsafe: owner, permissions, trust.
    Refused = 5,
    /// Locked, or a prompt is needed and there is no terminal.
    Locked = 6,
    /// The key is missing, or is not the right one.
    NoKey = 7,
    /// The content is damaged, altered or in the wrong place.
    Corrupt = 8,
    /// The backend cannot be reached or failed.
    Unavailable = 9,
    /// There is no room.
    Full = 10,
    /// Another writer changed it in the meantime.
    Conflict = 11,
    /// The caller was not authenticated.
    Unauthorized = 12,
    /// Anything else.
    Other = 255,
}

impl ErrorKind {
    const ALL: [Self; 13] = [
        Self::NotFound,
        Self::Invalid,
        Self::Exists,
        Self::Unsupported,
        Self::Refused,
        Self::Locked,
        Self::NoKey,
        Self::Corrupt,
        Self::Unavailable,
        Self::Full,
        Self::Conflict,
        Self::Unauthorized,
        Self::Other,
    ];

    /// The stable number of this kind.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The kind with this number; [`Other`](Self::Other) for numbers of a later version.
    pub fn from_code(code: u8) -> Self {
        Self::ALL.into_iter().find(|kind| kind.code() == code).unwrap_or(Self::Other)
    }

    const fn describe(self) -> &'static str {
        match self {
            Self::NotFound => "no such entry",
            Self::Invalid => "invalid",
            Self::Exists => "exists already",
            Self::Unsupported => "not supported",
            Self::Refused => "refused as unsafe",
            Self::Locked => "locked",
            Self::NoKey => "the key is missing or is not the right one",
            Self::Corrupt => "damaged, altered or in the wrong place",
            Self::Unavailable => "unavailable",
            Self::Full => "no room left",
            Self::Conflict => "changed in the meantime",
            Self::Unauthorized => "not authorized",
            Self::Other => "failed",
        }
    }
}

/// The error type of all roles.
///
/// It tells code what to do ([`kind`](Self::kind)) and tells the user what to do
/// ([`hint`](Self::hint)); `Display` is one line. It is not `Clone`, because an error is handled
/// once.
///
/// # Security
/// No part of it may contain a secret, a blob or a URL with user-info. If a cipher fails to
/// authenticate a blob, the error is [`ErrorKind::Corrupt`] without a source.
///
/// # Examples
/// ```
/// use keyward_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Refused, "get")
///     .because("the file can be read by others")
///     .hint("chmod 600 it");
/// assert_eq!(error.to_string(), "get: the file can be read by others");
/// assert!(!error.is_miss());
/// ```
pub struct Error(Box<Parts>);

struct Parts {
    kind: ErrorKind,
    operation: Cow<'static, str>,
    backend: String,
    message: String,
    hint: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error of this kind in this operation.
    pub fn new(kind: ErrorKind, operation: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            kind,
            operation: operation.into(),
            backend: String::new(),
            message: String::new(),
            hint: String::new(),
            source: None,
        }))
    }

    /// Makes the error for an entry that does not exist.
    pub fn not_found(operation: &'static str) -> Self {
        Self::new(ErrorKind::NotFound, operation)
    }

    /// Makes the error for content that did not open or decode. It has no further cause on purpose.
    pub fn corrupt(operation: &'static str) -> Self {
        Self::new(ErrorKind::Corrupt, operation)
    }

    /// Makes the error for a request that makes no sense; `message` says why.
    pub fn invalid(operation: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, operation).because(message)
    }

    /// Makes the error for `operation` that failed in the operating system.
    ///
    /// A full disk, an exceeded quota and a file that is too large are [`ErrorKind::Full`]. A
    /// denied permission is [`ErrorKind::Refused`]. Everything else is [`ErrorKind::Unavailable`],
    /// a missing file too: only the caller knows whether it is a missing entry.
    pub fn io(operation: &'static str, source: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match source.kind() {
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => ErrorKind::Full,
            Io::PermissionDenied => ErrorKind::Refused,
            _ => ErrorKind::Unavailable,
        };
        Self::new(kind, operation).caused_by(source)
    }

    /// Adds the reason, in lower case and without a full stop.
    #[must_use]
    pub fn because(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = hint.into();
        self
    }

    /// Keeps the underlying error for debugging. It must not contain a secret.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Names the backend in which it happened, unless it names one already.
    #[must_use]
    pub fn in_backend(mut self, backend: &str) -> Self {
        if self.0.backend.is_empty() {
            backend.clone_into(&mut self.0.backend);
        }
        self
    }

    /// The kind of the error, for code.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operation that failed.
    pub fn operation(&self) -> &str {
        &self.0.operation
    }

    /// The backend in which it happened, or empty text.
    pub fn backend(&self) -> &str {
        &self.0.backend
    }

    /// The reason, or the text of the kind if no reason was given.
    pub fn message(&self) -> &str {
        if self.0.message.is_empty() { self.0.kind.describe() } else { &self.0.message }
    }

    /// What the user can do about it, if a hint was given.
    pub fn advice(&self) -> Option<&str> {
        (!self.0.hint.is_empty()).then_some(self.0.hint.as_str())
    }

    /// Whether trying again may help although the user changes nothing.
    pub fn is_transient(&self) -> bool {
        self.0.kind == ErrorKind::Unavailable
    }

    /// Whether the entry does not exist, so that a look-up may try its next source.
    pub fn is_miss(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }
}

impl Error {
    /// Turns "no such entry" into [`Unavailable`](ErrorKind::Unavailable); any other error stays.
    ///
    /// Use it on the result of every call that looks up no entry. A look-up goes on to its next
    /// source after [`NotFound`](ErrorKind::NotFound), so a backend that fails in another way must
    /// not return it.
    #[must_use]
    pub fn not_a_miss(self) -> Self {
        if !self.is_miss() {
            return self;
        }
        let why = format!(
            "the backend answered \"no such entry\" to `{}`, which looks up no entry",
            self.operation()
        );
        Self::new(ErrorKind::Unavailable, self.0.operation)
            .because(why)
            .hint("This is a fault in the backend; report it to its author")
            .in_backend(&self.0.backend)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.backend.is_empty() {
            write!(f, "{}: ", self.0.backend)?;
        }
        write!(f, "{}: {}", self.0.operation, self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("operation", &self.0.operation)
            .field("backend", &self.0.backend)
            .field("message", &self.0.message)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// A lock whose holder panicked. With this, a backend can write `?` after `lock()`.
impl<T> From<PoisonError<T>> for Error {
    fn from(_: PoisonError<T>) -> Self {
        Self::new(ErrorKind::Other, "lock")
            .because("another thread panicked while it held the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_number() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_code(kind.code()), kind);
        }
        assert_eq!(ErrorKind::from_code(200), ErrorKind::Other);
    }

    #[test]
    fn only_an_absent_entry_is_a_miss() {
        for kind in ErrorKind::ALL {
            assert_eq!(Error::new(kind, "get").is_miss(), kind == ErrorKind::NotFound);
        }
    }

    #[test]
    fn an_error_of_a_call_that_looks_up_no_entry_is_not_a_miss() {
        let error = Error::not_found("put").in_backend("file").not_a_miss();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!((error.operation(), error.backend()), ("put", "file"));
        let error = Error::corrupt("put").because("why").hint("do this").not_a_miss();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Corrupt, "why"));
        assert_eq!(error.advice(), Some("do this"));
    }

    #[test]
    fn in_backend_keeps_the_first_name() {
        let error = Error::not_found("get").in_backend("file").in_backend("sqlite");
        assert_eq!(error.to_string(), "file: get: no such entry");
    }
}
