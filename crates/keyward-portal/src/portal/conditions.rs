//! What the policy says of what was proved, and of the circumstances.

use std::collections::BTreeMap;

use keyward_core::{Attempt, Error, ErrorKind, Presented, Result, Round, Timestamp};

use super::Portal;
use crate::chain::Link;
use crate::expression::Verdict;
use crate::realm::Realm;

/// A request, and what the conditions have said of it. Each condition is asked at most once.
pub(super) struct Circumstances<'a> {
    attempt: &'a Attempt,
    presented: Presented,
    said: BTreeMap<String, Verdict>,
}

impl<'a> Circumstances<'a> {
    pub(super) fn new(attempt: &'a Attempt) -> Self {
        let presented = Presented::circumstances(attempt);
        Self { attempt, presented, said: BTreeMap::new() }
    }

    /// Asks a condition, unless it was asked before.
    fn ask(&mut self, link: &Link) -> Result<Verdict> {
        if let Some(verdict) = self.said.get(&link.name) {
            return Ok(*verdict);
        }
        let round = link.checker.check(&self.presented, self.attempt);
        let verdict = match round.map_err(|error| error.in_backend(&link.name).not_a_miss())? {
            Round::Accepted { until, .. } => Verdict { holds: true, until },
            Round::Unknown | Round::Wrong { .. } => Verdict::NO,
            _ => {
                let why = "a condition cannot ask the client anything";
                return Err(Error::new(ErrorKind::Unsupported, "login")
                    .because(why)
                    .in_backend(&link.name));
            }
        };
        self.said.insert(link.name.clone(), verdict);
        Ok(verdict)
    }

    /// Whether a condition holds, or was not asked.
    pub(super) fn may_hold(&self, name: &str) -> bool {
        self.said.get(name).is_none_or(|verdict| verdict.holds)
    }
}

impl<R: Realm> Portal<R> {
    /// Finds out whether what a client has proved before is still enough in these circumstances, and
    /// until when. `factors` and `until` are those of its [`Visitor`](crate::Visitor).
    ///
    /// Nothing secret is needed for it, so a server can ask again at each request of a client that is
    /// logged in. What was proved is not checked again; the conditions are.
    ///
    /// # Errors
    /// Those of the conditions. The client is not let in then.
    pub fn still_holds(
        &self,
        factors: &[String],
        until: Option<Timestamp>,
        attempt: &Attempt,
    ) -> Result<Verdict> {
        if until.is_some_and(|until| until <= self.now()) {
            return Ok(Verdict::NO);
        }
        self.evaluate(factors, until, &mut Circumstances::new(attempt))
    }

    /// Evaluates the policy.
    pub(super) fn evaluate(
        &self,
        factors: &[String],
        until: Option<Timestamp>,
        circumstances: &mut Circumstances<'_>,
    ) -> Result<Verdict> {
        let proved = Verdict { holds: true, until };
        let condition = |name: &str| {
            self.chain.links.iter().find(|link| link.name == name && link.is_condition())
        };
        match &self.chain.policy {
            Some(policy) => policy.evaluate(&mut |name| match condition(name) {
                Some(link) => circumstances.ask(link),
                None if factors.iter().any(|factor| factor == name) => Ok(proved),
                None => Ok(Verdict::NO),
            }),
            None if !factors.is_empty() => Ok(proved),
            None => match self.chain.links.iter().find(|link| link.is_condition()) {
                Some(link) => circumstances.ask(link),
                None => Ok(Verdict::NO),
            },
        }
    }
}
