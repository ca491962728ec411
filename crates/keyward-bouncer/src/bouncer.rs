//! The bouncer: from what a client presented to a keycard.

mod end;
mod issue;
mod live;
#[cfg(test)]
mod tests;

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{Attempt, Host, Presented, PresentedKind, Result, Source, Timestamp};
use keyward_portal::{IdentityRealm, Portal, SessionId, VISITOR};

use crate::clock::Clock;
use crate::entries::{Entries, Lease, SWITCH, Stored, Switch};
use crate::{Answer, Request, RequesterId, Response, Why};

pub use end::Selection;

/// Lets clients of requesters in, and keeps their keycards.
///
/// A bouncer can be used from many threads at once. Its functions block, as those of a portal do.
///
/// # Security
/// - A requester says which circumstances a client has. It says nothing about itself: the caller takes
///   the [`RequesterId`] from the connection.
/// - Nothing that was said in the first round of a login can be changed in a later one, and a login
///   that waits belongs to its requester.
/// - A keycard ends at its time whether or not anything sweeps.
/// - If the portal or the keycards cannot be reached, the result is an error, and no client is let in.
/// - An account that is disabled later does not end its keycards: [revoke](Self::revoke) them.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use keyward_bouncer::{Answer, Bouncer, LocalKeycards, Request, RequesterId};
/// use keyward_core::{Attempt, Presented};
/// use keyward_portal::{Chain, IdentityRealm, Portal};
/// # use keyward_core::{Account, Checker, Identity, Result, Verifier, VerifierForm};
/// # use keyward_testkit::TestHost;
/// # #[derive(Debug)]
/// # struct Ann;
/// # impl Checker for Ann {
/// #     fn stores(&self) -> &[VerifierForm] { &[VerifierForm::Plaintext] }
/// #     fn account(&self, user: &str, _: VerifierForm) -> Result<Option<Account>> {
/// #         let verifiers = vec![Verifier::new(VerifierForm::Plaintext, "open sesame")];
/// #         let found = (user == "ann").then(|| Identity::new("ann")).transpose()?;
/// #         Ok(found.map(|identity| Account::new(identity, verifiers)))
/// #     }
/// # }
/// # let (host, checker) = (Arc::new(TestHost::new()), Box::new(Ann));
///
/// let portal = Portal::new(IdentityRealm, Chain::new().with("memory", checker), host.clone())?;
/// let bouncer = Bouncer::new("office", portal, Arc::new(LocalKeycards::default()), host)?;
/// let web = RequesterId::new("web");
/// let attempt = Attempt::from_address("192.0.2.1").private();
///
/// let presented = Presented::password("ann", "open sesame");
/// let answer = bouncer.authenticate(&presented, &Request::new(attempt.clone()), &web)?;
/// let Answer::Authenticated { keycard, .. } = answer else { unreachable!() };
/// assert!(bouncer.check(&keycard.id, &web, &attempt)?.is_some());
///
/// bouncer.revoke(&keycard.id.clone().into())?;
/// assert!(bouncer.check(&keycard.id, &web, &attempt)?.is_none());
/// # Ok::<(), keyward_core::Error>(())
/// ```
pub struct Bouncer {
    name: String,
    portal: Portal<IdentityRealm>,
    entries: Entries,
    settings: Settings,
    clock: Clock,
}

/// How long keycards live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The time that a keycard lives unless it is kept alive. A requester can ask for less.
    pub ttl: Duration,
    /// The longest time that a keycard lives, however often it is kept alive. A requester can ask for
    /// less.
    pub duration: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { ttl: Duration::from_hours(1), duration: Duration::from_hours(12) }
    }
}

impl Settings {
    /// Sets the time that a keycard lives unless it is kept alive.
    #[must_use]
    pub fn with_ttl(self, ttl: Duration) -> Self {
        Self { ttl, ..self }
    }

    /// Sets the longest time that a keycard lives.
    #[must_use]
    pub fn with_duration(self, duration: Duration) -> Self {
        Self { duration, ..self }
    }
}

impl Bouncer {
    /// Makes a bouncer that keeps its keycards in `keycards`, as entries of the user `name`. Copies of
    /// a server have bouncers of the same name with the same store.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if no user of a store can have this name.
    pub fn new(
        name: &str,
        portal: Portal<IdentityRealm>,
        keycards: Arc<dyn Source>,
        host: Arc<dyn Host>,
    ) -> Result<Self> {
        let entries = Entries::new(keycards, name)?;
        let (clock, settings) = (Clock::new(host), Settings::default());
        Ok(Self { name: name.to_owned(), portal, entries, settings, clock })
    }

    /// Uses these settings.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The portal, for logins that need no keycard.
    pub fn portal(&self) -> &Portal<IdentityRealm> {
        &self.portal
    }

    /// The settings.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// The kinds of credentials that it accepts, in its order of preference: those that show it no
    /// password come first.
    pub fn kinds(&self) -> Vec<PresentedKind> {
        let is_password = |kind: &PresentedKind| *kind == PresentedKind::PASSWORD;
        let chain = self.portal.chain();
        let serves =
            |kind: &&PresentedKind| **kind != PresentedKind::CIRCUMSTANCES && chain.serves(kind);
        let mut kinds: Vec<_> = PresentedKind::ALL.iter().filter(serves).cloned().collect();
        kinds.sort_by_key(is_password);
        kinds
    }

    /// Checks what a client presented, and issues a keycard if that is enough.
    ///
    /// # Errors
    /// Those of the portal and of the keycards.
    pub fn authenticate(
        &self,
        presented: &Presented,
        request: &Request,
        requester: &RequesterId,
    ) -> Result<Answer> {
        let switch = self.switch()?;
        if let Some(why) = self.refuses(request, Some(presented), switch) {
            return Ok(Answer::refused(why));
        }
        if !presented.kinds().iter().any(|kind| self.portal.chain().serves(kind)) {
            return Ok(Answer::refused(Why::Kind));
        }
        let waiting = self.waiting(presented.kind(), Some(presented), request, requester, switch);
        let progress = self.portal.login(presented, &request.attempt, &[VISITOR], ())?;
        self.conclude(progress, waiting, &request.attempt)
    }

    /// Begins a login in which the bouncer speaks first, such as CRAM-MD5.
    ///
    /// # Errors
    /// Those of the portal and of the keycards; [`Unsupported`](keyward_core::ErrorKind::Unsupported)
    /// if the bouncer does not speak first in logins of this kind.
    pub fn begin(
        &self,
        kind: &PresentedKind,
        request: &Request,
        requester: &RequesterId,
    ) -> Result<Answer> {
        let switch = self.switch()?;
        if let Some(why) = self.refuses(request, None, switch) {
            return Ok(Answer::refused(why));
        }
        let challenge = self.portal.begin(kind, &request.attempt)?;
        self.request(challenge, self.waiting(kind, None, request, requester, switch))
    }

    /// Goes on with a login that waits for the client. Only its requester can do that, and what it
    /// said of the client before still counts. `attempt` is the connection of now: its address must
    /// be the one of before.
    ///
    /// # Errors
    /// Those of the portal and of the keycards.
    pub fn respond(
        &self,
        session: &SessionId,
        response: Response<'_>,
        attempt: &Attempt,
        requester: &RequesterId,
    ) -> Result<Answer> {
        let Some(waiting) = self.take_waiting(session, requester)? else {
            return Ok(Answer::refused(Why::NotWaiting));
        };
        if self.switch()? != (Switch { disabled: false, round: waiting.round }) {
            return Ok(Answer::refused(Why::Disabled));
        }
        let mut attempt = attempt.clone();
        attempt.details.clone_from(&waiting.details);
        attempt.service.clone_from(&waiting.service);
        let progress = match response {
            Response::Answer(answer) => {
                self.portal.step(session, answer, &attempt, &[VISITOR], ())?
            }
            Response::Factor(presented) => {
                self.portal.add_factor(session, presented, &attempt, &[VISITOR], ())?
            }
        };
        self.conclude(progress, waiting, &attempt)
    }

    fn refuses(
        &self,
        request: &Request,
        presented: Option<&Presented>,
        switch: Switch,
    ) -> Option<Why> {
        if switch.disabled {
            return Some(Why::Disabled);
        }
        if request.is_too_large(presented) {
            return Some(Why::TooLarge);
        }
        let shortest = self.ttl(request).min(self.duration(request));
        (shortest < Duration::from_secs(1)).then_some(Why::NoLife)
    }

    fn ttl(&self, request: &Request) -> Duration {
        request.ttl.map_or(self.settings.ttl, |ttl| ttl.min(self.settings.ttl))
    }

    fn duration(&self, request: &Request) -> Duration {
        request
            .duration
            .map_or(self.settings.duration, |duration| duration.min(self.settings.duration))
    }

    fn switch(&self) -> Result<Switch> {
        Ok(self.entries.read(SWITCH)?.unwrap_or_default())
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Debug for Bouncer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bouncer").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Whether a keycard lives.
///
/// A lease counts only if it began before the keycard expired: an expired keycard never comes back.
fn lives(stored: &Stored, lease: Option<Lease>, switch: Switch, now: Timestamp) -> bool {
    let (now, card) = (now.as_unix(), &stored.keycard);
    let is_kept = || lease.is_some_and(|lease| lease.since < card.expires && now < lease.until);
    let is_valid = stored.end.is_none() && !switch.disabled && stored.round == switch.round;
    is_valid && now < card.ends && (now < card.expires || is_kept())
}
