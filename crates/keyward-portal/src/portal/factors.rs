//! Which factors a client has proved.

use std::time::Duration;

use keyward_core::{
    Attempt, Checker, Denial, Error, ErrorKind, Identity, Presented, PresentedKind, Result, Round,
    Secret,
};

use super::pending::{self, Waiting};
use super::{Found, Portal, Proof};
use crate::expression::earliest;
use crate::login::{Cause, Challenge, Refusal};
use crate::malformed::Malformed;
use crate::mechanisms::legacy::{self, Answer, Legacy};
use crate::prepare::prepare_user;
use crate::realm::Realm;

/// The fields of an answer to a challenge that the portal issued before it knew the user. Only the
/// portal makes them.
pub(super) const STATE: &str = "state";
pub(super) const ANSWER: &str = "answer";

/// What the checkers say of one kind of credential.
pub(super) struct Said {
    /// The position of the checker that decided; none if no checker knows the user.
    pub(super) position: Option<usize>,
    pub(super) round: Round,
}

/// One kind of a presented credential, and who it is about.
pub(super) struct Question<'a> {
    pub(super) kind: &'a PresentedKind,
    pub(super) presented: &'a Presented,
    /// The name as the client wrote it, if it gave one.
    pub(super) named: Option<&'a str>,
    /// The prepared name; none if there is none or if it is malformed.
    pub(super) user: Option<&'a str>,
    pub(super) attempt: &'a Attempt,
}

impl<R: Realm> Portal<R> {
    /// Checks what a client presented, in addition to what it proved before.
    pub(super) fn present(
        &self,
        presented: &Presented,
        attempt: &Attempt,
        mut waiting: Waiting,
    ) -> Result<Found> {
        let kinds = self.useful(presented, &waiting);
        if kinds.is_empty() && presented.is(&PresentedKind::CIRCUMSTANCES) {
            // The policy says whether the circumstances are enough.
            return Ok(Found::Proved(Proof { waiting, last: None }));
        }
        if kinds.is_empty() {
            return Ok(self.refused(Cause::NotServed));
        }
        let Ok((named, wanted)) = self.names(&kinds[0], presented, attempt) else {
            return self.counted(None, attempt, || Ok(self.refused(Cause::Malformed)));
        };
        let claimed = match &named {
            Some(name) => prepare_user(name).ok(),
            None => waiting.identity.as_ref().map(|identity| identity.as_str().to_owned()),
        };
        if waiting.claimed.is_none() {
            waiting.claimed.clone_from(&claimed);
        }
        waiting.wanted = wanted.or(waiting.wanted.take());
        let (user, named) = (claimed.as_deref(), named.as_deref());
        self.counted(user.or(named), attempt, || {
            let mut last = None;
            for kind in &kinds {
                let question = Question { kind, presented, named, user, attempt };
                let said = self.ask_all(&question)?;
                match self.judge(said, kind, &mut waiting, attempt, user)? {
                    Found::Proved(proof) => last = proof.last.or(last),
                    other => return Ok(other),
                }
            }
            Ok(Found::Proved(Proof { waiting, last }))
        })
    }

    /// Returns the name that a client gives, and whom it wants to act as.
    fn names(
        &self,
        kind: &PresentedKind,
        presented: &Presented,
        attempt: &Attempt,
    ) -> Result<(Option<String>, Option<String>), Malformed> {
        let named = presented.user();
        let question = Question { kind, presented, named, user: None, attempt };
        let (inner, wanted) = self.names_in(&question)?;
        let wanted = match presented.field("authzid") {
            Some(field) => {
                let text = field.expose_str();
                text.map(str::to_owned).ok_or(Malformed::new("the name to act as is not UTF-8"))?
            }
            None => wanted.unwrap_or_default(),
        };
        Ok((inner.or(named.map(str::to_owned)), (!wanted.is_empty()).then_some(wanted)))
    }

    /// Returns the kinds of a credential that are of use: without a policy, the preferred one; with a
    /// policy, all. A one-time password counts only together with another factor, and is checked
    /// after it, so that an attacker cannot try codes without a password.
    fn useful(&self, presented: &Presented, waiting: &Waiting) -> Vec<PresentedKind> {
        let (codes, others): (Vec<_>, Vec<_>) = presented
            .kinds()
            .iter()
            .filter(|kind| **kind != PresentedKind::CIRCUMSTANCES)
            .filter(|kind| self.chain.serves(kind) && Legacy::from_kind(kind).is_none())
            .cloned()
            .partition(|kind| *kind == PresentedKind::ONE_TIME_PASSWORD);
        if self.chain.policy.is_none() {
            return others.into_iter().take(1).collect();
        }
        if others.is_empty() && waiting.factors.is_empty() {
            return Vec::new();
        }
        [others, codes].concat()
    }

    /// Notes what the checkers say of one kind.
    fn judge(
        &self,
        said: Said,
        kind: &PresentedKind,
        waiting: &mut Waiting,
        attempt: &Attempt,
        user: Option<&str>,
    ) -> Result<Found> {
        let refused = |cause, last| Found::Refused(Refusal { cause, retry_after: None, last });
        Ok(match said.round {
            Round::Accepted { identity, last, until } => {
                let identity = identity.map(canonical).transpose()?;
                if !waiting.factors.is_empty() && waiting.identity != identity {
                    return Ok(refused(Cause::OtherUser, None));
                }
                waiting.identity = identity;
                waiting.until = earliest(waiting.until, until);
                let link = said.position.map_or("", |position| &self.chain.links[position].name);
                waiting.factors.extend(Self::factors(link, kind));
                Found::Proved(Proof { waiting: waiting.clone(), last })
            }
            Round::Challenge { pending: state, challenge } => {
                let user = user.map(str::to_owned);
                let round = pending::Round {
                    kind: kind.clone(),
                    link: said.position.map(|it| self.chain.links[it].name.clone()),
                    user,
                    state,
                };
                let waiting = Waiting { round: Some(round), ..waiting.clone() };
                Found::Challenge(self.wait(&waiting, attempt, challenge, Vec::new())?)
            }
            Round::Wrong { why, last } => refused(Cause::Denied(why), last),
            _ => refused(Cause::UnknownUser, None),
        })
    }

    /// Goes on with the answer to a challenge.
    pub(super) fn answer(
        &self,
        mut waiting: Waiting,
        answer: &Secret,
        attempt: &Attempt,
    ) -> Result<Found> {
        let Some(round) = waiting.round.take() else {
            return Ok(self.refused(Cause::NoSession));
        };
        if Legacy::from_kind(&round.kind).is_some() {
            return self.answer_legacy(&round, answer, waiting, attempt);
        }
        let user = round.user.clone();
        self.counted(user.as_deref(), attempt, || {
            let link = round.link.as_ref().map(|name| self.position_of(name));
            let said = match link {
                // The chain is another one than when the challenge was issued.
                Some(None) => return Ok(self.refused(Cause::NoSession)),
                Some(Some(position)) if self.checks_itself(position, &round.kind) => {
                    let checker = &self.chain.links[position].checker;
                    let said = checker.resume(&round.state, answer, attempt)?;
                    Said { position: Some(position), round: said }
                }
                position => self.end_scram(&round, position.flatten(), answer)?,
            };
            self.judge(said, &round.kind, &mut waiting, attempt, round.user.as_deref())
        })
    }

    fn position_of(&self, name: &str) -> Option<usize> {
        self.chain.links.iter().position(|link| link.name == name)
    }

    fn checks_itself(&self, position: usize, kind: &PresentedKind) -> bool {
        self.chain.links[position].checker.accepts().contains(kind)
    }

    /// Checks the answer to a challenge that the portal issued before it knew the user.
    fn answer_legacy(
        &self,
        round: &pending::Round,
        answer: &Secret,
        mut waiting: Waiting,
        attempt: &Attempt,
    ) -> Result<Found> {
        let named = Answer::parse(answer).ok();
        let user = named.as_ref().map(Answer::user);
        let Some(user) = user else {
            return self.counted(None, attempt, || Ok(self.refused(Cause::Malformed)));
        };
        waiting.claimed = Some(user.to_owned());
        let kind = &round.kind;
        let presented = Presented::new(kind.clone())
            .with(STATE, round.state.clone())
            .with(ANSWER, answer.clone());
        let (presented, named) = (&presented, Some(user));
        self.counted(named, attempt, || {
            let said = self.ask_all(&Question { kind, presented, named, user: named, attempt })?;
            self.judge(said, kind, &mut waiting, attempt, named)
        })
    }

    /// Asks the checkers in order, until one knows the user.
    pub(super) fn ask_all(&self, question: &Question<'_>) -> Result<Said> {
        let mut outage = None;
        let links = self.chain.links.iter().enumerate();
        for (position, link) in links.filter(|(_, link)| link.serves(question.kind)) {
            let asked = if link.checker.accepts().contains(question.kind) {
                ask(&*link.checker, question)
            } else {
                self.verify(position, question)
            };
            let round = match asked {
                Ok(round) => round,
                Err(error) if self.chain.skip_unavailable && is_outage(&error) => {
                    outage = Some(error.in_backend(&link.name));
                    continue;
                }
                Err(error) => return Err(error.in_backend(&link.name).not_a_miss()),
            };
            match round {
                Round::Unknown => {}
                // A checker that was skipped might have said something else. All users get the same
                // answer, so that a client does not learn which of them the others know.
                Round::Wrong { .. } if outage.is_some() => {}
                round => return Ok(Said { position: Some(position), round }),
            }
        }
        match outage {
            Some(error) => Err(error),
            None => self.pretend(question),
        }
    }

    /// Does a check whose failure counts against the user and the address. Without an address,
    /// nothing is counted: anybody could lock out any user.
    fn counted(
        &self,
        user: Option<&str>,
        attempt: &Attempt,
        check: impl FnOnce() -> Result<Found>,
    ) -> Result<Found> {
        let (Some(penalties), Some(address)) = (&self.penalties, &attempt.address) else {
            return check();
        };
        let counted = penalties.counted(address, user);
        if let Some(wait) = penalties.begin(&*self.memory, &counted, self.now())? {
            return Ok(too_many_failures(wait));
        }
        let found = check();
        let has_failed = matches!(found, Ok(Found::Refused(_)));
        penalties.end(&*self.memory, &counted, self.now(), has_failed)?;
        found
    }

    /// Forgets the failures of a user who has logged in.
    pub(super) fn forgive(&self, waiting: &Waiting, attempt: &Attempt) -> Result<()> {
        let (Some(penalties), Some(address)) = (&self.penalties, &attempt.address) else {
            return Ok(());
        };
        let counted = penalties.counted(address, waiting.claimed.as_deref());
        penalties.forgive(&*self.memory, &counted, self.now())
    }

    /// Issues a challenge before the user is known.
    pub(super) fn speak_first(&self, kind: &PresentedKind, attempt: &Attempt) -> Result<Challenge> {
        let issued = self.speaking_first(kind)?.challenge(&self.host_name)?;
        self.wait(&waiting_for(kind, issued.pending), attempt, issued.message, Vec::new())
    }

    /// Checks the answer to a challenge that another server issued.
    pub(super) fn answer_to(
        &self,
        kind: &PresentedKind,
        challenge: &Secret,
        answer: &Secret,
        attempt: &Attempt,
    ) -> Result<Found> {
        self.speaking_first(kind)?;
        self.answer(waiting_for(kind, legacy::pending(challenge)), answer, attempt)
    }

    /// Returns the mechanism of a kind, if the server speaks first in it.
    fn speaking_first(&self, kind: &PresentedKind) -> Result<Legacy> {
        let unsupported = |why: &str| {
            let why = format!("{kind} {why}");
            Error::new(ErrorKind::Unsupported, "login").because(why)
        };
        if !self.chain.serves(kind) {
            return Err(unsupported("cannot be checked by any checker"));
        }
        Legacy::from_kind(kind).ok_or_else(|| unsupported("begins with the client"))
    }
}

/// Returns what the portal knows of a login when it has issued a challenge.
fn waiting_for(kind: &PresentedKind, state: Secret) -> Waiting {
    let round = pending::Round { kind: kind.clone(), link: None, user: None, state };
    Waiting { round: Some(round), ..Waiting::default() }
}

/// Returns an identity in the form in which names are compared. A checker may return another one.
fn canonical(identity: Identity) -> Result<Identity> {
    let prepared = prepare_user(identity.as_str()).map_err(|malformed| {
        Error::new(ErrorKind::Corrupt, "login").because(format!("the identity: {malformed}"))
    })?;
    Identity::new(prepared)
}

fn too_many_failures(wait: Duration) -> Found {
    let cause = Cause::TooManyFailures;
    Found::Refused(Refusal { cause, retry_after: Some(wait), last: None })
}

/// Asks a checker that checks by itself. It gets the prepared name.
fn ask(checker: &dyn Checker, question: &Question<'_>) -> Result<Round> {
    let Question { kind, presented, named, user, attempt } = question;
    let mut asked = Presented::new((*kind).clone());
    match (named, user) {
        // No user has a malformed name.
        (Some(_), None) => return Ok(Round::Unknown),
        (_, Some(user)) => asked = asked.named(*user),
        (None, None) => {}
    }
    for (name, value) in presented.fields() {
        asked = asked.with(name, value.clone());
    }
    let round = checker.check(&asked, attempt)?;
    // The contract forbids it; but a checker can be another author's.
    let empty =
        **kind == PresentedKind::PASSWORD && !presented.field("password").is_some_and(is_some);
    match round {
        Round::Accepted { .. } if empty => Ok(Round::wrong(Denial::Secret)),
        round => Ok(round),
    }
}

/// Whether a password is one: neither empty nor only NULs.
pub(super) fn is_some(password: &Secret) -> bool {
    password.expose().iter().any(|byte| *byte != 0)
}

fn is_outage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Locked)
}
