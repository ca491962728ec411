use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use keyward_core::{
    Account, Attempt, Checker, Denial, Error, ErrorKind, Identity, PresentedKind, Round, Secret,
    Verifier, VerifierForm,
};
use keyward_portal::{Cause, Chain, Expression, LocalMemory};
use keyward_testkit::TestHost;

use super::*;
use crate::{EndReason, Keycard, KeycardId, LocalKeycards, Refused, State};

mod attacks;
mod life;
mod rounds;

/// Users with passwords, who can also answer a question. The case of their names does not matter.
#[derive(Debug)]
struct Users;

impl Users {
    fn identity(user: &str) -> Option<Identity> {
        let user = user.to_lowercase();
        ["ann", "bob"].contains(&user.as_str()).then(|| Identity::new(user).unwrap())
    }
}

impl Checker for Users {
    fn accepts(&self) -> &[PresentedKind] {
        &[PresentedKind::CONVERSATION]
    }

    fn stores(&self) -> &[VerifierForm] {
        &[VerifierForm::Plaintext]
    }

    fn account(&self, user: &str, _: VerifierForm) -> Result<Option<Account>> {
        let verifiers = vec![Verifier::new(VerifierForm::Plaintext, "s3cret")];
        Ok(Self::identity(user).map(|identity| Account::new(identity, verifiers)))
    }

    fn check(&self, presented: &Presented, _: &Attempt) -> Result<Round> {
        let user = presented.user().unwrap_or_default();
        Ok(Round::Challenge { pending: Secret::from(user), challenge: Secret::from("6 * 7") })
    }

    fn resume(&self, pending: &Secret, answer: &Secret, _: &Attempt) -> Result<Round> {
        let identity = Self::identity(pending.expose_str().unwrap());
        Ok(match identity {
            Some(identity) if answer.expose() == b"42" => Round::accepted(identity),
            _ => Round::wrong(Denial::Secret),
        })
    }
}

/// A condition: the office is open, perhaps until a time, or cannot be asked.
#[derive(Clone, Debug)]
struct Office(Arc<Doors>);

#[derive(Debug)]
struct Doors {
    open: AtomicBool,
    broken: AtomicBool,
    until: AtomicU64,
}

impl Default for Doors {
    fn default() -> Self {
        Self { open: true.into(), broken: false.into(), until: 0.into() }
    }
}

impl Checker for Office {
    fn accepts(&self) -> &[PresentedKind] {
        &[PresentedKind::CIRCUMSTANCES]
    }

    fn check(&self, presented: &Presented, _: &Attempt) -> Result<Round> {
        if self.0.broken.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unavailable, "check").because("no calendar"));
        }
        let is_private = presented.field("path").is_some_and(|path| path.expose() == b"/closed");
        if is_private || !self.0.open.load(Ordering::Relaxed) {
            return Ok(Round::wrong(Denial::Restricted));
        }
        let until = self.0.until.load(Ordering::Relaxed);
        let until = (until > 0).then(|| Timestamp::from_unix(until));
        Ok(Round::Accepted { identity: None, last: None, until })
    }
}

/// What copies of a server share.
#[derive(Clone)]
struct Setting {
    host: Arc<TestHost>,
    keycards: Arc<LocalKeycards>,
    memory: Arc<LocalMemory>,
    doors: Arc<Doors>,
}

const START: u64 = 1_000_000;

impl Setting {
    fn new() -> Self {
        let host = Arc::new(TestHost::new());
        host.set_now(Timestamp::from_unix(START));
        let (keycards, memory, doors) = Default::default();
        Self { host, keycards, memory, doors }
    }

    fn copy(&self) -> Bouncer {
        self.copy_with(None)
    }

    fn copy_with(&self, policy: Option<&str>) -> Bouncer {
        let mut chain = Chain::new().with("users", Box::new(Users));
        if let Some(policy) = policy {
            chain = chain
                .with("office", Box::new(Office(self.doors.clone())))
                .with_policy(Expression::parse(policy).unwrap());
        }
        let portal = Portal::new(IdentityRealm, chain, self.host.clone()).unwrap();
        let portal = portal.with_memory(self.memory.clone());
        Bouncer::new("door", portal, self.keycards.clone(), self.host.clone()).unwrap()
    }

    /// Sets the time, in seconds after the start.
    fn set_time(&self, seconds: u64) {
        self.host.set_now(Timestamp::from_unix(START + seconds));
    }
}

fn web() -> RequesterId {
    RequesterId::new("web")
}

fn home() -> Attempt {
    Attempt::from_address("192.0.2.1").private()
}

fn request() -> Request {
    Request::new(home())
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn log_in(bouncer: &Bouncer, user: &str, request: &Request) -> Keycard {
    inside(bouncer.authenticate(&Presented::password(user, "s3cret"), request, &web()).unwrap())
}

#[track_caller]
fn inside(answer: Answer) -> Keycard {
    match answer {
        Answer::Authenticated { keycard, .. } => *keycard,
        other => panic!("not let in: {other:?}"),
    }
}

#[track_caller]
fn refused(answer: Answer) -> Why {
    match answer {
        Answer::Refused(Refused { why, .. }) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[track_caller]
fn session(answer: Answer) -> SessionId {
    match answer {
        Answer::Requesting { session, .. } => session,
        other => panic!("not asked: {other:?}"),
    }
}

fn is_in(bouncer: &Bouncer, keycard: &Keycard) -> bool {
    bouncer.check(&keycard.id, &web(), &home()).unwrap().is_some()
}

fn reasons(bouncer: &Bouncer) -> Vec<EndReason> {
    bouncer.ended(&web()).unwrap().iter().map(|ended| ended.reason).collect()
}
