//! The steps of a login, which may block.

use keyward_core::{Attempt, Result, Secret};
use keyward_portal::sasl::{Mechanism, Paused, Sasl, Step};
use keyward_portal::{IdentityRealm, VISITOR, Visitor};

use super::answer::Answer;
use super::command::Begin;
use crate::bouncer::Bouncer;
use crate::mail::login::{Decider, Verdict};

/// A login that was begun.
#[derive(Debug)]
pub(super) struct Exchange {
    decider: Decider,
    attempt: Attempt,
    takes_final_message: bool,
    has_master: bool,
}

/// A login that waits for the user's answer.
#[derive(Debug)]
pub(super) struct Waiting {
    exchange: Exchange,
    paused: Paused<Visitor>,
}

/// What a step leads to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) answer: Answer,
    /// What goes on with the user's answer.
    pub(super) waiting: Option<Waiting>,
    /// Whether a master will ask for the user who is in.
    pub(super) has_master: bool,
}

/// Returns the mechanisms that the bouncer can check, on private connections.
pub(super) fn mechanisms(bouncer: &Bouncer) -> Vec<Mechanism> {
    let sasl = Sasl::new(bouncer.portal(), &[VISITOR], Attempt::default().private());
    sasl.mechanisms().filter(|mechanism| is_served(*mechanism)).collect()
}

/// A mail server needs the name of the user.
fn is_served(mechanism: Mechanism) -> bool {
    mechanism != Mechanism::Anonymous
}

impl Exchange {
    pub(super) fn new(decider: Decider, begin: &Begin) -> Self {
        let mut attempt = Attempt::default().to(&begin.service);
        attempt.address = begin.address.map(|address| address.to_canonical().to_string());
        attempt.private = begin.is_private;
        let (takes_final_message, has_master) = (begin.takes_final_message, begin.has_master);
        Self { decider, attempt, takes_final_message, has_master }
    }

    /// Begins, with the user's first message if there is one.
    pub(super) fn begin(self, mechanism: &str, initial: Option<&Secret>) -> Outcome {
        let mechanism = Mechanism::from_name(mechanism).filter(|it| is_served(*it));
        // The name of no mechanism is refused as a mechanism that is not offered.
        let name = mechanism.map_or("", Mechanism::name);
        let (answer, paused) = self.conclude(self.sasl().start(name, initial, ()));
        self.with(answer, paused)
    }

    fn sasl(&self) -> Sasl<'_, IdentityRealm> {
        let sasl = Sasl::new(self.decider.bouncer().portal(), &[VISITOR], self.attempt.clone());
        if self.takes_final_message { sasl.sending_data_with_success() } else { sasl }
    }

    /// Returns what a step leads to, and what goes on if the user must answer.
    fn conclude(&self, step: Result<Step<'_, IdentityRealm>>) -> (Answer, Option<Paused<Visitor>>) {
        let (verdict, data) = match step {
            Ok(Step::Challenge { message, exchange }) => {
                return (Answer::Challenge(message), Some(exchange.pause()));
            }
            Ok(Step::Success { login, data }) => (self.decider.accept(&login, &self.attempt), data),
            Ok(Step::Refused(refusal)) => (self.decider.refuse(&refusal, &self.attempt), None),
            Err(error) => (self.decider.fail(&error, &self.attempt), None),
        };
        let answer = match verdict {
            Verdict::Accepted(identity) => Answer::Accepted(identity, data),
            Verdict::Refused(_) => Answer::Refused,
            Verdict::Failed => Answer::Failed,
        };
        (answer, None)
    }

    fn with(self, answer: Answer, paused: Option<Paused<Visitor>>) -> Outcome {
        let has_master = self.has_master;
        let waiting = paused.map(|paused| Waiting { exchange: self, paused });
        Outcome { answer, waiting, has_master }
    }
}

impl Waiting {
    /// Goes on with the user's answer.
    pub(super) fn go_on(self, answer: &Secret) -> Outcome {
        let Self { exchange, paused } = self;
        let sasl = exchange.sasl();
        let (answer, paused) = exchange.conclude(sasl.resume(paused).answer(answer, ()));
        drop(sasl);
        exchange.with(answer, paused)
    }
}
