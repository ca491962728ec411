//! The mechanisms with rounds, checked with the verifiers of a checker.

use keyward_core::{Denial, PresentedKind, Result, Round, Secret, Verifier, VerifierForm, hex};
use keyward_verifier::ha1::{self, Ha1};
use keyward_verifier::scram::{Algorithm, MIN_ITERATIONS, Scram};

use super::{field, find};
use crate::chain::Link;
use crate::malformed::Malformed;
use crate::marks::label;
use crate::mechanisms::legacy::{self, Answer, Legacy};
use crate::mechanisms::scram::{self, Binding, First};
use crate::mechanisms::{digest, random_text};
use crate::memory::{self, Key, Topic};
use crate::portal::Portal;
use crate::portal::factors::{ANSWER, Question, STATE, Said, is_some};
use crate::portal::pending::Round as Pending;
use crate::realm::Realm;

/// How long the count of a nonce is remembered, in seconds: longer than a nonce is valid.
const NONCE_LIFE: std::time::Duration = std::time::Duration::from_hours(1);

impl<R: Realm> Portal<R> {
    pub(super) fn verify_mechanism(&self, link: &Link, question: &Question<'_>) -> Result<Round> {
        if let Some(algorithm) = scram::algorithm_of(question.kind) {
            return self.begin_scram(algorithm, Some(link), question);
        }
        if *question.kind == PresentedKind::DIGEST {
            return self.verify_digest(link, question);
        }
        match Legacy::from_kind(question.kind) {
            Some(legacy) => self.verify_legacy(legacy, link, question),
            None => Ok(Round::Unknown),
        }
    }

    pub(super) fn pretend_mechanism(&self, question: &Question<'_>) -> Result<Round> {
        if let Some(algorithm) = scram::algorithm_of(question.kind) {
            return self.begin_scram(algorithm, None, question);
        }
        if *question.kind == PresentedKind::DIGEST {
            return self.pretend_digest(question);
        }
        match Legacy::from_kind(question.kind) {
            Some(legacy) => self.pretend_legacy(legacy, question),
            None => Ok(Round::Unknown),
        }
    }

    /// Answers a client's first message, with the verifier of the user or with one that does not
    /// exist.
    fn begin_scram(
        &self,
        algorithm: Algorithm,
        link: Option<&Link>,
        question: &Question<'_>,
    ) -> Result<Round> {
        let Ok(first) = first_message(algorithm, question) else {
            return Ok(Round::wrong(Denial::Malformed));
        };
        let account = match link {
            Some(link) => match find(link, question)? {
                None => return Ok(Round::Unknown),
                some => some,
            },
            None => None,
        };
        let stored = account.as_ref().and_then(|account| account.verifiers.first());
        // A decoy is made also for a known user, because it takes time.
        let decoy = self.decoy(algorithm, first.user(), question)?;
        let keys =
            stored.and_then(|stored| self.keys(algorithm, first.user(), stored)).unwrap_or(decoy);
        let issued = first.challenge(&keys, &random_text()?)?;
        Ok(Round::Challenge { pending: issued.pending, challenge: issued.message })
    }

    /// Returns the keys of a user; `None` if the verifier cannot be used.
    fn keys(&self, algorithm: Algorithm, user: &str, stored: &Verifier) -> Option<Scram> {
        let scram = if stored.form == VerifierForm::Plaintext {
            let salt = self.decoy_keys(algorithm, user, None).salt;
            Scram::derive(algorithm, &stored.value, &salt, MIN_ITERATIONS)
        } else {
            Scram::parse(&stored.value).ok()?
        };
        let is_usable = scram.algorithm == algorithm && scram.iterations >= MIN_ITERATIONS;
        is_usable.then_some(scram)
    }

    fn decoy(&self, algorithm: Algorithm, user: &str, question: &Question<'_>) -> Result<Scram> {
        let example = self.example(question)?;
        // If keys are derived for known users, they are for unknown ones: it takes time.
        let keys = example.as_ref().and_then(|example| self.keys(algorithm, user, example));
        Ok(self.decoy_keys(algorithm, user, keys.as_ref()))
    }

    fn decoy_keys(&self, algorithm: Algorithm, user: &str, example: Option<&Scram>) -> Scram {
        let secret = Secret::from(&self.key.mark("scram-decoy", &[])[..]);
        scram::decoy(&secret, algorithm, user, example)
    }

    /// Checks a client's last message.
    pub(in crate::portal) fn end_scram(
        &self,
        round: &Pending,
        position: Option<usize>,
        answer: &Secret,
    ) -> Result<Said> {
        let said = |round_said| Said { position, round: round_said };
        let last = match scram::last(&round.state, answer)? {
            scram::Verdict::Accepted(last) => last,
            scram::Verdict::Refused(_, last) if position.is_none() => {
                // As for a wrong password, so that a client does not see the difference.
                return Ok(said(Round::Wrong { why: Denial::Secret, last: Some(last) }));
            }
            scram::Verdict::Refused(why, last) => {
                return Ok(said(Round::Wrong { why, last: Some(last) }));
            }
        };
        let refused = |why| {
            let last = Secret::from("e=invalid-proof");
            Ok(said(Round::Wrong { why, last: Some(last) }))
        };
        let link = position.and_then(|position| self.chain.links.get(position));
        let (Some(link), Some(user)) = (link, &round.user) else { return refused(Denial::Secret) };
        let form = link.forms(&round.kind).next();
        let account = form.map(|form| link.checker.account(user, form)).transpose()?.flatten();
        match account {
            None => refused(Denial::Secret),
            Some(account) => match account.denied {
                Some(denied) => refused(denied),
                None => Ok(said(Round::Accepted {
                    identity: Some(account.identity),
                    last: Some(last),
                    until: None,
                })),
            },
        }
    }

    fn verify_digest(&self, link: &Link, question: &Question<'_>) -> Result<Round> {
        let Some(offer) = self.digest_offer()? else { return Ok(Round::Unknown) };
        let Some(account) = find(link, question)? else { return Ok(Round::Unknown) };
        let header = field(question.presented, "response");
        let Ok(response) = digest::Response::parse(header) else {
            return Ok(Round::wrong(Denial::Malformed));
        };
        let request = digest_request(question);
        let Ok(freshness) = offer.examine(&response, &request, self.now()) else {
            return Ok(Round::wrong(Denial::Malformed));
        };
        let hash = response.algorithm().hash;
        let ha1s = account
            .verifiers
            .iter()
            .filter_map(|stored| ha1(hash, response.user(), offer.realm(), stored));
        let proved = ha1s.fold(None, |proved, ha1| {
            // Each is tried, whichever matches.
            if response.proves(&ha1, &request) { Some(ha1) } else { proved }
        });
        let Some(ha1) = proved else { return Ok(Round::wrong(Denial::Secret)) };
        if let Some(denied) = account.denied {
            return Ok(Round::wrong(denied));
        }
        if freshness == digest::Freshness::Stale {
            return Ok(Round::wrong(Denial::Expired));
        }
        let (nonce, count) = response.claim();
        let about = label("nonce", &[nonce.as_bytes()]);
        let key = Key { topic: Topic::Nonce, about };
        if !memory::advance(&*self.memory, &key, self.now(), NONCE_LIFE, count.into())? {
            return Ok(Round::wrong(Denial::Replayed));
        }
        Ok(Round::Accepted {
            identity: Some(account.identity),
            last: Some(response.info(&ha1)),
            until: None,
        })
    }

    /// Returns the name that a client's message contains, and whom it wants to act as.
    ///
    /// # Errors
    /// What is wrong with the message.
    pub(in crate::portal) fn names_in(
        &self,
        question: &Question<'_>,
    ) -> Result<(Option<String>, Option<String>), Malformed> {
        if let Some(algorithm) = scram::algorithm_of(question.kind) {
            let first = first_message(algorithm, question)?;
            return Ok((Some(first.user().to_owned()), first.authzid().map(str::to_owned)));
        }
        if *question.kind == PresentedKind::DIGEST {
            let response = digest::Response::parse(field(question.presented, "response"))?;
            return Ok((Some(response.user().to_owned()), None));
        }
        Ok((None, None))
    }

    /// Checks the answer to a challenge that the portal issued before it knew the user.
    fn verify_legacy(&self, legacy: Legacy, link: &Link, question: &Question<'_>) -> Result<Round> {
        let Some(account) = find(link, question)? else { return Ok(Round::Unknown) };
        let (state, answer) = (field(question.presented, STATE), field(question.presented, ANSWER));
        let Ok(answer) = Answer::parse(answer) else { return Ok(Round::wrong(Denial::Malformed)) };
        let mut right = false;
        for stored in &account.verifiers {
            right |= match stored.form {
                VerifierForm::Md5 => {
                    let mut md5 = [0; 16];
                    hex::decode(stored.value.expose(), &mut md5).is_some()
                        && legacy::pb_proves(state, &answer, &md5)?
                }
                _ => legacy.proves(state, &answer, &stored.value)? & is_some(&stored.value),
            };
        }
        Ok(match account.denied {
            _ if !right => Round::wrong(Denial::Secret),
            Some(denied) => Round::wrong(denied),
            None => Round::accepted(account.identity),
        })
    }

    fn pretend_legacy(&self, legacy: Legacy, question: &Question<'_>) -> Result<Round> {
        let (state, answer) = (field(question.presented, STATE), field(question.presented, ANSWER));
        if let Ok(answer) = Answer::parse(answer) {
            let no_password = Secret::from(&self.key.mark("legacy-decoy", &[])[..16]);
            std::hint::black_box(legacy.proves(state, &answer, &no_password)?);
        }
        Ok(Round::Unknown)
    }

    fn pretend_digest(&self, question: &Question<'_>) -> Result<Round> {
        let Some(offer) = self.digest_offer()? else { return Ok(Round::Unknown) };
        let header = field(question.presented, "response");
        if let Ok(response) = digest::Response::parse(header) {
            let request = digest_request(question);
            std::hint::black_box(offer.examine(&response, &request, self.now()).is_ok());
            let secret = Secret::from(&self.key.mark("digest-decoy", &[])[..]);
            let hash = response.algorithm().hash;
            let decoy = digest::decoy(&secret, hash, response.user(), offer.realm());
            std::hint::black_box(response.proves(&decoy, &request));
        }
        Ok(Round::Unknown)
    }
}

fn digest_request<'a>(question: &Question<'a>) -> digest::Request<'a> {
    let text = |name| field(question.presented, name).expose_str().unwrap_or_default();
    let body = question.presented.field("body-hash");
    digest::Request { method: text("method"), target: text("target"), body }
}

fn first_message(algorithm: Algorithm, question: &Question<'_>) -> Result<First, Malformed> {
    let binding = match question.presented.field("binding") {
        Some(data) => Binding::TlsExporter(data),
        None if question.presented.field("binding-offered").is_some() => Binding::NotChosen,
        None => Binding::Unavailable,
    };
    First::parse(algorithm, field(question.presented, "message"), binding)
}

/// Returns the hash A1 of a verifier for this realm.
fn ha1(hash: ha1::Algorithm, user: &str, realm: &str, stored: &Verifier) -> Option<Secret> {
    if stored.form == VerifierForm::Plaintext {
        return (!stored.value.is_empty()).then(|| ha1::compute(hash, user, realm, &stored.value));
    }
    let ha1 = Ha1::parse(&stored.value).ok()?;
    (ha1.algorithm == hash && ha1.realm == realm).then_some(ha1.hash)
}
