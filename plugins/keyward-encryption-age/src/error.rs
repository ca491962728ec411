use keyward_plugin::{Error, ErrorKind};

/// Why an age file did not open. Callers get fewer details; tests need them to distinguish a
/// malformed file from one that was altered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The ASCII armor is malformed.
    Armor,
    /// The header is malformed.
    Header,
    /// It is sealed to a kind of recipient that is not supported.
    Recipient,
    /// Its passphrase asks for more work than is allowed.
    Work,
    /// scrypt needs so much memory (in MiB) for its passphrase, and there is less.
    Memory(u64),
    /// No identity opens it, or the passphrase is wrong.
    NoMatch,
    /// The header was altered.
    Mac,
    /// The content was altered or truncated, or is too long.
    Payload,
}

impl Failure {
    /// Returns the error for callers, without a source.
    pub(crate) fn into_error(self, operation: &'static str) -> Error {
        match self {
            Self::Armor | Self::Header | Self::Mac | Self::Payload => Error::corrupt(operation),
            Self::NoMatch => Error::new(ErrorKind::NoKey, operation),
            Self::Recipient => Error::new(ErrorKind::Unsupported, operation)
                .because("sealed to an unsupported recipient (hybrid, post-quantum)"),
            // An attacker may have raised it to make Keyward compute for a long time.
            Self::Work => Error::corrupt(operation)
                .because("its passphrase asks for more work than is allowed")
                .hint("If you trust it, raise `max_work_factor`, up to 22"),
            Self::Memory(mib) => Error::new(ErrorKind::Unavailable, operation)
                .because(format!("scrypt needs {mib} MiB of memory, and there is less"))
                .hint("Raise the limit on memory (`ulimit -v`), or try again when more is free"),
        }
    }
}

impl From<age::DecryptError> for Failure {
    fn from(error: age::DecryptError) -> Self {
        use age::DecryptError as Age;
        match error {
            Age::NoMatchingKeys | Age::DecryptionFailed | Age::KeyDecryptionFailed => Self::NoMatch,
            Age::InvalidMac => Self::Mac,
            Age::ExcessiveWork { .. } => Self::Work,
            _ => Self::Header,
        }
    }
}
