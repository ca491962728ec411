//! The portal: from what a client presented to an avatar.

mod conditions;
mod enter;
mod factors;
mod pending;
mod settings;
#[cfg(test)]
pub(crate) mod tests;
mod verify;

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{Attempt, Host, Presented, PresentedKind, Result, Secret, Timestamp};

use crate::budget::Budget;
use crate::cache::Successes;
use crate::chain::Chain;
use crate::login::{Cause, Challenge, Progress, Refusal, SessionId};
use crate::marks::PortalKey;
use crate::mechanisms::digest::Algorithm;
use crate::memory::{LocalMemory, Memory};
use crate::penalties::Penalties;
use crate::realm::{Interface, Realm};
use pending::{Waiting, Wanted};

/// Lets clients of a server in: it asks checkers who a client is, and a realm what the client may use.
///
/// A portal can be used from many threads at once. Its functions block, because checkers read files
/// and ask other systems; an asynchronous server calls them on threads for blocking work.
///
/// # Security
/// - A client cannot tell an unknown user from a wrong password or a disabled account: the answer is
///   the same, and so is the work, as far as the portal does it.
/// - What was issued to a client is kept here. An answer works once, from the same address.
/// - If a checker or the memory fails, the result is an error, and no client is let in.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use keyward_core::{Attempt, Presented};
/// use keyward_portal::{Chain, IdentityRealm, Portal, Progress, VISITOR};
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
/// let chain = Chain::new().with("memory", checker);
/// let portal = Portal::new(IdentityRealm, chain, host)?;
/// let attempt = Attempt::from_address("192.0.2.1").private();
/// let presented = Presented::password("ann", "open sesame");
/// match portal.login(&presented, &attempt, &[VISITOR], ())? {
///     Progress::LoggedIn(login) => assert_eq!(login.visitor().identity.as_ref().unwrap().as_str(), "ann"),
///     Progress::Challenge(_) | Progress::Refused(_) => unreachable!(),
/// }
/// # Ok::<(), keyward_core::Error>(())
/// ```
pub struct Portal<R> {
    realm: R,
    chain: Chain,
    host: Arc<dyn Host>,
    key: PortalKey,
    memory: Arc<dyn Memory>,
    penalties: Option<Penalties>,
    budget: Budget,
    successes: Option<Successes>,
    digest: Option<DigestRealm>,
    host_name: String,
}

/// What the portal offers in HTTP Digest.
#[derive(Debug)]
struct DigestRealm {
    name: String,
    algorithms: Vec<Algorithm>,
}

/// How long a login may wait for the client's answer.
const PATIENCE: Duration = Duration::from_mins(5);

/// How much memory hashes may use at once, unless another limit is set, in bytes.
const HASH_MEMORY: usize = 256 << 20;

/// How long a hash may wait for memory, if the host sets no earlier end.
const HASH_WAIT: Duration = Duration::from_secs(30);

impl<R: Realm> Portal<R> {
    /// Makes a portal with a new key, which remembers in this process.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the chain cannot work; see [`Chain::check`].
    pub fn new(realm: R, chain: Chain, host: Arc<dyn Host>) -> Result<Self> {
        chain.check(&[])?;
        Ok(Self {
            realm,
            chain,
            host,
            key: PortalKey::random()?,
            memory: Arc::new(LocalMemory::default()),
            penalties: Some(Penalties::default()),
            budget: Budget::new(HASH_MEMORY),
            successes: None,
            digest: None,
            host_name: "localhost".into(),
        })
    }

    /// Logs a client in with what it presented.
    ///
    /// `interfaces` are what the server can work with, the preferred one first.
    ///
    /// # Errors
    /// Those of the checkers, the memory and the realm.
    pub fn login(
        &self,
        presented: &Presented,
        attempt: &Attempt,
        interfaces: &[Interface],
        mind: R::Mind,
    ) -> Result<Progress<R::Avatar>> {
        let found = self.present(presented, attempt, Waiting::default())?;
        self.enter(found, attempt, interfaces, mind)
    }

    /// Begins a login in which the server speaks first, such as CRAM-MD5 or APOP.
    ///
    /// # Errors
    /// [`Unsupported`](keyward_core::ErrorKind::Unsupported) if the server does not speak first in
    /// logins of this kind, or if no checker can serve it.
    pub fn begin(&self, kind: &PresentedKind, attempt: &Attempt) -> Result<Challenge> {
        self.speak_first(kind, attempt)
    }

    /// Goes on with the client's answer to a [`Challenge`].
    ///
    /// # Errors
    /// As [`login`](Self::login).
    pub fn step(
        &self,
        session: &SessionId,
        answer: &Secret,
        attempt: &Attempt,
        interfaces: &[Interface],
        mind: R::Mind,
    ) -> Result<Progress<R::Avatar>> {
        let found = match self.take(session, attempt, Wanted::Answer)? {
            None => self.refused(Cause::NoSession),
            Some(waiting) => self.answer(waiting, answer, attempt)?,
        };
        self.enter(found, attempt, interfaces, mind)
    }

    /// Logs a client in that answered a challenge which another server issued, such as a proxy for
    /// CRAM-MD5 or APOP. `answer` is the name of the user, a space, and the response in hexadecimal
    /// form.
    ///
    /// # Errors
    /// [`Unsupported`](keyward_core::ErrorKind::Unsupported) if the server does not speak first in
    /// logins of this kind, or if no checker can serve it; otherwise as [`login`](Self::login).
    ///
    /// # Security
    /// The portal cannot know whether the challenge is new. The caller trusts the other server to issue
    /// each one once, and to send it over a connection that only the two can use.
    pub fn check_answer(
        &self,
        kind: &PresentedKind,
        challenge: &Secret,
        answer: &Secret,
        attempt: &Attempt,
        interfaces: &[Interface],
        mind: R::Mind,
    ) -> Result<Progress<R::Avatar>> {
        let found = self.answer_to(kind, challenge, answer, attempt)?;
        self.enter(found, attempt, interfaces, mind)
    }

    /// Goes on with another factor, after a [`Challenge`] that names what is missing.
    ///
    /// # Errors
    /// As [`login`](Self::login).
    pub fn add_factor(
        &self,
        session: &SessionId,
        presented: &Presented,
        attempt: &Attempt,
        interfaces: &[Interface],
        mind: R::Mind,
    ) -> Result<Progress<R::Avatar>> {
        let found = match self.take(session, attempt, Wanted::Factor)? {
            None => self.refused(Cause::NoSession),
            Some(waiting) => self.present(presented, attempt, waiting)?,
        };
        self.enter(found, attempt, interfaces, mind)
    }

    /// The checkers.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// What the portal remembers, so that a server can keep what it knows of a waiting login beside it.
    pub fn memory(&self) -> &Arc<dyn Memory> {
        &self.memory
    }

    /// The realm.
    pub fn realm(&self) -> &R {
        &self.realm
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.host.now()
    }

    fn refused(&self, cause: Cause) -> Found {
        Found::Refused(Refusal::new(cause))
    }
}

/// What came of a call: the client has proved something, must answer, or is refused.
enum Found {
    Proved(Proof),
    Challenge(Challenge),
    Refused(Refusal),
}

/// What a client has proved so far.
struct Proof {
    waiting: Waiting,
    last: Option<Secret>,
}

impl<R: Debug> Debug for Portal<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portal")
            .field("realm", &self.realm)
            .field("chain", &self.chain)
            .finish_non_exhaustive()
    }
}
