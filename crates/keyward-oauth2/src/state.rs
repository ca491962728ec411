use std::time::Duration;

use keyward_core::{Error, ErrorKind, Field, Record, Timestamp};
use keyward_kinds::fields;

use crate::claims::expiry;
use crate::client::text;
use crate::identity::Identity;

/// What a record says about the refresh of its tokens, in the field `refresh_state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshState {
    /// The last refresh worked, or there was none.
    Good {
        /// When the token should be refreshed, if that is known.
        due: Option<Timestamp>,
    },
    /// A process was about to send a request, and nothing is known about its result.
    InDoubt,
    /// The server could not be asked, or did not say anything about the grant.
    Failed {
        /// Until when it is not asked again.
        until: Timestamp,
        /// What failed.
        kind: ErrorKind,
        /// Why.
        why: String,
    },
    /// The server refused the grant: only a new login helps.
    Dead {
        /// Why.
        why: String,
    },
}

/// How good an access token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It is good.
    Good,
    /// It is still good, but should be refreshed.
    Due,
    /// It has expired, or there is none.
    Expired,
    /// It was issued for something else than the record now asks for, such as another scope.
    Foreign,
}

/// How long before its end a token is due if it is not known how long it was good for, in seconds.
const MARGIN: u64 = 60;

impl RefreshState {
    /// Reads the state of a record. One that cannot be read is as good as none.
    pub fn read(record: &Record) -> Self {
        let text = text(record, fields::REFRESH_STATE).unwrap_or_default();
        Self::parse(text).unwrap_or(Self::Good { due: None })
    }

    fn parse(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let number = |text: &str| text.parse().ok();
        Some(match word {
            "good" => Self::Good { due: Some(Timestamp::from_unix(number(rest)?)) },
            "in-doubt" => Self::InDoubt,
            "failed" => {
                let (until, rest) = rest.split_once(' ')?;
                let (code, why) = rest.split_once(' ')?;
                Self::Failed {
                    until: Timestamp::from_unix(number(until)?),
                    kind: ErrorKind::from_code(code.parse().ok()?),
                    why: why.to_owned(),
                }
            }
            "dead" => Self::Dead { why: rest.to_owned() },
            _ => return None,
        })
    }

    /// Writes the state into a record.
    pub fn write(&self, record: Record) -> Record {
        let text = match self {
            Self::Good { due: Some(due) } => format!("good {}", due.as_unix()),
            Self::Good { due: None } => "good".into(),
            Self::InDoubt => "in-doubt".into(),
            Self::Failed { until, kind, why } => {
                format!("failed {} {} {why}", until.as_unix(), kind.code())
            }
            Self::Dead { why } => format!("dead {why}"),
        };
        record.with(fields::REFRESH_STATE, Field::open(text))
    }

    /// Returns the error that this state is for a caller who needs a token now.
    pub(crate) fn error(&self, now: Timestamp) -> Option<Error> {
        match self {
            Self::Failed { until, kind, why } if *until > now => {
                Some(Error::new(*kind, "token").because(why.clone()))
            }
            Self::Dead { why } => Some(dead(why)),
            _ => None,
        }
    }
}

/// Returns the error of a grant that the server refused.
pub(crate) fn dead(why: &str) -> Error {
    Error::new(ErrorKind::Unauthorized, "token")
        .because(why.to_owned())
        .hint("Log in again: `keyward oauth login --again`")
}

impl Validity {
    /// Whether a service accepts the token, as far as is known.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Good | Self::Due)
    }

    /// Returns how good the access token of a record is.
    pub fn judge(record: &Record, now: Timestamp) -> Self {
        if text(record, fields::ACCESS_TOKEN).is_none() {
            return Self::Expired;
        }
        if !Identity::is_own(record) {
            return Self::Foreign;
        }
        let expires = expiry(record);
        let is_near = |expires: Timestamp| expires.as_unix() <= now.as_unix() + MARGIN;
        match (expires, RefreshState::read(record)) {
            (Some(expires), _) if expires <= now => Self::Expired,
            (_, RefreshState::Good { due: Some(due) }) if due <= now => Self::Due,
            (_, RefreshState::Good { due: Some(_) }) => Self::Good,
            (Some(expires), _) if is_near(expires) => Self::Due,
            _ => Self::Good,
        }
    }

    /// Returns the same, for a token that is due `margin` before its end, but at most half of its
    /// life before: with a longer margin, a new token would be due at once.
    pub(crate) fn judge_with(record: &Record, now: Timestamp, margin: Duration) -> Self {
        let usual = Self::judge(record, now);
        let Some(expires) = expiry(record).filter(|_| usual.is_usable()) else { return usual };
        // The server would return the same token again.
        if RefreshState::read(record) == (RefreshState::Good { due: Some(expires) }) {
            return Self::Good;
        }
        let margin = match record.updated {
            issued if issued == Timestamp::default() => margin.as_secs(),
            issued => margin.as_secs().min(expires.as_unix().saturating_sub(issued.as_unix()) / 2),
        };
        let is_due = expires.as_unix() <= now.as_unix().saturating_add(margin);
        if is_due { Self::Due } else { Self::Good }
    }
}
