use std::time::Duration;

use keyward_core::Secret;
use keyward_portal::{Cause, Refusal, SessionId};

use crate::Keycard;

/// What a bouncer says.
#[derive(Debug)]
#[must_use = "a client is in only if the answer says so"]
#[non_exhaustive]
pub enum Answer {
    /// The client is not let in. This is final: another attempt is another request.
    Refused(Refused),
    /// The client must go on; see [`Bouncer::respond`](crate::Bouncer::respond).
    Requesting {
        /// The login that goes on with the client's answer. It works once.
        session: SessionId,
        /// What the client must answer; empty if another factor is missing.
        message: Secret,
        /// The factors of which another one is missing; empty if the client must answer the message.
        missing: Vec<String>,
    },
    /// The client is in.
    Authenticated {
        /// What the requester keeps.
        keycard: Box<Keycard>,
        /// The last message of the mechanism for the client, if it has one.
        last: Option<Secret>,
    },
}

/// A refusal.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// Why, for the log. The client must not learn it.
    pub why: Why,
    /// How long all further attempts are refused, if they are.
    pub retry_after: Option<Duration>,
    /// The last message of the mechanism for the client, if it has one.
    pub last: Option<Secret>,
}

/// Why a bouncer refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The portal refused.
    Login(Cause),
    /// The bouncer is disabled.
    Disabled,
    /// The bouncer does not accept this kind of credential.
    Kind,
    /// The request is too large.
    TooLarge,
    /// The keycard would have expired already.
    NoLife,
    /// No login of this requester waits under this id.
    NotWaiting,
}

impl Answer {
    pub(crate) fn refused(why: Why) -> Self {
        Self::Refused(Refused { why, retry_after: None, last: None })
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let Refusal { cause, retry_after, last, .. } = refusal;
        Self::Refused(Refused { why: Why::Login(cause), retry_after, last })
    }
}
