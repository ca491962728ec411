use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::PoisonError;

/// What Keyward's functions answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as code needs to know it.
///
/// The numbers are stable: they cross the doors through which backends come, and the program's
/// exit code follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum ErrorKind {
    /// No such entry. The only kind that lets a look-up go on to its next source.
    NotFound = 1,
    /// What was asked makes no sense: a bad name, option or configuration.
    Invalid = 2,
    /// It is there already.
    Exists = 3,
    /// This backend cannot do that, or cannot hold a value like this.
    Unsupported = 4,
    /// Refused as unsafe: owner, permissions, trust.
    Refused = 5,
    /// Locked, or a prompt is needed and there is no terminal.
    Locked = 6,
    /// The key is missing, or is another one.
    NoKey = 7,
    /// The content is damaged, altered or in the wrong place.
    Corrupt = 8,
    /// The backend cannot be reached or failed.
    Unavailable = 9,
    /// There is no room.
    Full = 10,
    /// Somebody else changed it meanwhile.
    Conflict = 11,
    /// Who asks was not recognised.
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
            Self::NoKey => "the key is missing or is another one",
            Self::Corrupt => "damaged, altered or in the wrong place",
            Self::Unavailable => "unavailable",
            Self::Full => "no room left",
            Self::Conflict => "changed meanwhile",
            Self::Unauthorized => "not authorized",
            Self::Other => "failed",
        }
    }
}

/// The one error of all roles.
///
/// It tells code what to do ([`kind`](Self::kind)) and people what to do
/// ([`hint`](Self::hint)); `Display` is one line. Cloning is not offered: an error is handled
/// once.
///
/// # Security
/// No secret, no blob and no URL with user-info may stand in any part of it. A failed
/// authentication of a cipher is [`ErrorKind::Corrupt`] without a source.
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
    /// Something of this kind happened in this operation.
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

    /// There is no such entry.
    pub fn not_found(operation: &'static str) -> Self {
        Self::new(ErrorKind::NotFound, operation)
    }

    /// The content did not open or decode; deliberately without further cause.
    pub fn corrupt(operation: &'static str) -> Self {
        Self::new(ErrorKind::Corrupt, operation)
    }

    /// The request makes no sense, and this is why.
    pub fn invalid(operation: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, operation).because(message)
    }

    /// The operating system failed `operation`.
    ///
    /// No room is [`ErrorKind::Full`], everything else [`ErrorKind::Unavailable`]; whether a
    /// missing file is a missing entry, only the caller knows.
    pub fn io(operation: &'static str, source: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match source.kind() {
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => ErrorKind::Full,
            Io::PermissionDenied => ErrorKind::Refused,
            _ => ErrorKind::Unavailable,
        };
        Self::new(kind, operation).caused_by(source)
    }

    /// Says why, in lower case and without a full stop.
    #[must_use]
    pub fn because(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Says what somebody can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = hint.into();
        self
    }

    /// Keeps the underlying error for whoever debugs. It must hold no secret.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Names the backend it happened in, unless one is named already.
    #[must_use]
    pub fn in_backend(mut self, backend: &str) -> Self {
        if self.0.backend.is_empty() {
            backend.clone_into(&mut self.0.backend);
        }
        self
    }

    /// What went wrong, for code.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Which operation failed.
    pub fn operation(&self) -> &str {
        &self.0.operation
    }

    /// The backend it happened in, or nothing.
    pub fn backend(&self) -> &str {
        &self.0.backend
    }

    /// Why, or what the kind says where nobody said more.
    pub fn message(&self) -> &str {
        if self.0.message.is_empty() { self.0.kind.describe() } else { &self.0.message }
    }

    /// What to do about it, where somebody knows.
    pub fn advice(&self) -> Option<&str> {
        (!self.0.hint.is_empty()).then_some(self.0.hint.as_str())
    }

    /// Whether trying again may help, without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        self.0.kind == ErrorKind::Unavailable
    }

    /// Whether the entry simply is not there, so that a look-up may go on to its next source.
    pub fn is_miss(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }
}

impl Error {
    /// Turns "no such entry" into [`Unavailable`](ErrorKind::Unavailable); any other error stays.
    ///
    /// Use it on the result of every call that looks up no entry. A look-up goes on to its next
    /// source after [`NotFound`](ErrorKind::NotFound), so a backend that fails in another way must
    /// not answer with it.
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

/// A lock that a panicking thread left behind: lets a backend write `?` after `lock()`.
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
    fn an_error_of_a_call_that_looks_up_nothing_is_no_miss() {
        let error = Error::not_found("put").in_backend("file").not_a_miss();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!((error.operation(), error.backend()), ("put", "file"));
        let error = Error::corrupt("put").because("why").hint("do this").not_a_miss();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Corrupt, "why"));
        assert_eq!(error.advice(), Some("do this"));
    }

    #[test]
    fn the_first_backend_named_stays() {
        let error = Error::not_found("get").in_backend("file").in_backend("sqlite");
        assert_eq!(error.to_string(), "file: get: no such entry");
    }
}
