use std::time::Duration;

use keyward_core::{Attempt, Presented, Secret};
use serde::{Deserialize, Serialize};

/// What a requester says of a client that it wants to let in.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Request {
    /// The circumstances. The keycard keeps them, so a requester leaves out arguments that are secret.
    pub attempt: Attempt,
    /// Which part of the requester will keep the keycard alive.
    pub issuer: Option<String>,
    /// The realm that the client saw.
    pub domain: Option<String>,
    /// How long the keycard lives unless it is kept alive; by default what the bouncer's settings say,
    /// and never longer than that.
    pub ttl: Option<Duration>,
    /// The longest time that the keycard lives, however often it is kept alive; by default what the
    /// bouncer's settings say, and never longer than that.
    pub duration: Option<Duration>,
    /// Whether the requester wants to be told when the keycard ends; see
    /// [`Bouncer::ended`](crate::Bouncer::ended).
    pub notices: bool,
}

impl Request {
    /// The most bytes of all texts of a request, with the name of the user.
    pub const MAX: usize = 64 << 10;

    /// Makes a request without anything optional.
    pub fn new(attempt: Attempt) -> Self {
        Self { attempt, ..Self::default() }
    }

    /// Says which part of the requester will keep the keycard alive.
    #[must_use]
    pub fn issued_by(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Sets the realm that the client saw.
    #[must_use]
    pub fn with_domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sets how long the keycard lives unless it is kept alive.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Sets the longest time that the keycard lives.
    #[must_use]
    pub fn with_duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// Says that the requester wants to be told when the keycard ends.
    #[must_use]
    pub fn with_notices(mut self) -> Self {
        self.notices = true;
        self
    }

    pub(crate) fn is_too_large(&self, presented: Option<&Presented>) -> bool {
        let Attempt { address, service, details, .. } = &self.attempt;
        let texts = [&self.issuer, &self.domain, address, service];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let details: usize = details.iter().map(|(name, value)| name.len() + value.len()).sum();
        let user = presented.and_then(Presented::user).map_or(0, str::len);
        texts + details + user > Self::MAX
    }
}

/// How a client goes on after [`Answer::Requesting`](crate::Answer::Requesting).
#[derive(Clone, Copy, Debug)]
pub enum Response<'a> {
    /// With its answer to the message.
    Answer(&'a Secret),
    /// With another factor, because one is missing.
    Factor(&'a Presented),
}

/// What a bouncer remembers of a request whose client must answer. Nothing that the requester says
/// later changes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub requester: crate::RequesterId,
    pub kind: String,
    pub user: Option<String>,
    pub token: Option<String>,
    pub issuer: Option<String>,
    pub domain: Option<String>,
    pub details: std::collections::BTreeMap<String, String>,
    pub service: Option<String>,
    pub ttl: u64,
    pub duration: u64,
    pub notices: bool,
    pub round: u64,
}
