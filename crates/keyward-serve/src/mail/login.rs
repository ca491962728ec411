//! A login for a mail server: the bouncer decides, and the audit log gets it.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{Attempt, Error, ErrorKind, Identity, Result};
use keyward_portal::{Login, Progress, Refusal};

use crate::audit::Decision;
use crate::bouncer::Bouncer;
use crate::listen::Service;
use crate::server::{Server, State};

/// What becomes of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The user is in.
    Accepted(Identity),
    /// The user is not let in. It may be told how long all attempts are refused, and nothing else.
    Refused(Option<Duration>),
    /// It cannot be decided now.
    Failed,
}

/// Decides about the logins of one request, all by the same configuration.
#[derive(Debug)]
pub(super) struct Decider {
    state: Arc<State>,
    server: Arc<Server>,
    service: Service,
    bouncer: String,
}

impl Decider {
    /// `bouncer` is the name in the configuration.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if there is no such bouncer any more.
    pub(super) fn new(server: &Arc<Server>, service: Service, bouncer: &str) -> Result<Self> {
        let state = server.state();
        state.bouncer(bouncer)?;
        Ok(Self { state, server: Arc::clone(server), service, bouncer: bouncer.to_owned() })
    }

    /// The bouncer.
    pub(super) fn bouncer(&self) -> &Bouncer {
        self.state.bouncer(&self.bouncer).expect("a state does not lose a bouncer")
    }

    /// Decides by what a portal says of a login with one round.
    pub(super) fn judge<A>(&self, said: Result<Progress<A>>, attempt: &Attempt) -> Verdict {
        match said {
            Ok(Progress::LoggedIn(login)) => self.accept(&login, attempt),
            Ok(Progress::Refused(refusal)) => self.refuse(&refusal, attempt),
            // The protocol has no place for another round.
            Ok(Progress::Challenge(_)) => {
                let why = "the policy needs more than this protocol can say";
                self.fail(&Error::new(ErrorKind::Unsupported, "login").because(why), attempt)
            }
            Err(error) => self.fail(&error, attempt),
        }
    }

    /// Lets a user in, if the audit log can say so.
    pub(super) fn accept<A>(&self, login: &Login<A>, attempt: &Attempt) -> Verdict {
        let visitor = login.visitor();
        let Some(identity) = &visitor.identity else {
            let why = "a mail server needs the name of the user, and this policy asks for none";
            return self.fail(&Error::new(ErrorKind::Unsupported, "login").because(why), attempt);
        };
        match self.bouncer().keycards.is_enabled() {
            Ok(true) => {}
            Ok(false) => {
                self.note(&Decision::Disabled, attempt);
                return Verdict::Refused(None);
            }
            Err(error) => return self.fail(&error, attempt),
        }
        match self.write(&Decision::Accepted(visitor), attempt) {
            Ok(()) => Verdict::Accepted(identity.clone()),
            Err(error) => self.fail(&error, attempt),
        }
    }

    pub(super) fn refuse(&self, refusal: &Refusal, attempt: &Attempt) -> Verdict {
        self.note(&Decision::Refused(Some(refusal)), attempt);
        Verdict::Refused(refusal.retry_after)
    }

    pub(super) fn fail(&self, error: &Error, attempt: &Attempt) -> Verdict {
        let service = self.service.name();
        let fields: [(&str, &dyn Display); 2] = [("service", &service), ("error", error)];
        self.server.log.error("a login cannot be decided", &fields);
        self.note(&Decision::Failed(error), attempt);
        Verdict::Failed
    }

    /// Writes what lets no client in, as far as that is possible.
    fn note(&self, decision: &Decision<'_>, attempt: &Attempt) {
        if let Err(error) = self.write(decision, attempt) {
            self.server.log.error("the audit log cannot be written", &[("error", &error)]);
        }
    }

    fn write(&self, decision: &Decision<'_>, attempt: &Attempt) -> Result<()> {
        let service = self.service.name();
        self.server.metrics.count_decision(service, &self.bouncer, decision.word());
        let wanted = attempt.service.as_deref().map(|service| ("wanted", service));
        self.state.audit.write(service, &self.bouncer, decision, attempt, wanted.as_slice())
    }
}
