use std::fmt;

use keyward_core::{Error, ErrorKind, Record};

/// What a source contributed to a look-up. It never contains a value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The name of the source.
    pub source: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Where it looks for the credential: variables, lines of files, or entries.
    pub places: Vec<String>,
    /// The names of the fields that it has.
    pub fields: Vec<String>,
    /// The names of the needed fields that were still missing after it, or that it would ask for.
    pub missing: Vec<String>,
    /// Why the credential is absent or the look-up failed, if more is known than the outcome.
    pub why: Option<String>,
}

impl Step {
    /// Makes the step of a source that was not asked.
    pub(crate) fn new(source: String, places: Vec<String>) -> Self {
        Self {
            source,
            outcome: Outcome::NotAsked,
            places,
            fields: Vec::new(),
            missing: Vec::new(),
            why: None,
        }
    }

    pub(crate) fn found(&mut self, record: &Record) {
        self.outcome = Outcome::Found;
        self.fields = record.fields.keys().cloned().collect();
    }

    pub(crate) fn would_ask(&mut self, fields: Vec<String>) {
        self.outcome = Outcome::WouldAsk;
        self.missing = fields;
    }

    pub(crate) fn failed(&mut self, error: &Error) {
        self.outcome = error.kind().into();
        // An absent entry without a reason has the same message as any other.
        let is_plain = error.is_miss() && error.message() == Error::not_found("").message();
        self.why = (!is_plain).then(|| error.summary());
    }
}

/// What came of asking a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It has the credential, or, if fields are merged, a part of it.
    Found,
    /// It would ask the user. Only [`explain`](crate::Resolver::explain) returns this.
    WouldAsk,
    /// It does not have it. Only this lets the look-up continue.
    Absent,
    /// What it has cannot be used: a field is missing or wrong, the kind is another one, or the
    /// configuration of the source is wrong.
    Misconfigured,
    /// Refused as unsafe.
    Denied,
    /// Locked, or Keyward would have to ask and cannot.
    Locked,
    /// A record is damaged, or its key is missing.
    Damaged,
    /// The source cannot be reached or failed.
    Unreachable,
    /// The service refused the login.
    LoginRefused,
    /// Another failure.
    Failed,
    /// An earlier source ended the look-up.
    NotAsked,
}

impl Outcome {
    /// The words for it, the same wherever it is shown.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::WouldAsk => "would ask",
            Self::Absent => "absent",
            Self::Misconfigured => "misconfigured",
            Self::Denied => "denied",
            Self::Locked => "locked",
            Self::Damaged => "damaged",
            Self::Unreachable => "unreachable",
            Self::LoginRefused => "login refused",
            Self::Failed => "failed",
            Self::NotAsked => "not asked",
        }
    }
}

impl From<ErrorKind> for Outcome {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::NotFound => Self::Absent,
            ErrorKind::Invalid | ErrorKind::Exists | ErrorKind::Unsupported => Self::Misconfigured,
            ErrorKind::Refused => Self::Denied,
            ErrorKind::Locked => Self::Locked,
            ErrorKind::NoKey | ErrorKind::Corrupt => Self::Damaged,
            ErrorKind::Unavailable | ErrorKind::Full => Self::Unreachable,
            ErrorKind::Unauthorized => Self::LoginRefused,
            _ => Self::Failed,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.describe())
    }
}
