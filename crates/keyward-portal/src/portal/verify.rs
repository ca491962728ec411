//! Checks with the verifiers that checkers hand over, and the same work for users who do not exist.

mod codes;
mod mechanisms;

use std::hint::black_box;
use std::time::Duration;

use keyward_core::{Account, Denial, Presented, PresentedKind, Result, Round, Secret, Verifier};
use keyward_verifier::{fingerprint, hash, imitate, matches_fingerprint, memory, password};

use super::factors::{Question, Said, is_some};
use super::{HASH_WAIT, Portal};
use crate::cache::Success;
use crate::chain::Link;
use crate::parts::join;
use crate::realm::Realm;

/// A hash that uses less memory than this does not count, in bytes.
const LITTLE: usize = 1 << 20;

/// The most verifiers of one form that are tried for one user.
const MAX_VERIFIERS: usize = 8;

impl<R: Realm> Portal<R> {
    /// Checks a credential with the verifiers of a checker.
    pub(super) fn verify(&self, position: usize, question: &Question<'_>) -> Result<Round> {
        let link = &self.chain.links[position];
        match question.kind {
            kind if *kind == PresentedKind::PASSWORD => {
                self.verify_password(position, link, question)
            }
            kind if *kind == PresentedKind::ONE_TIME_PASSWORD => self.verify_code(link, question),
            kind if *kind == PresentedKind::TOKEN || *kind == PresentedKind::CLIENT_CERTIFICATE => {
                verify_fingerprint(link, question)
            }
            _ => self.verify_mechanism(link, question),
        }
    }

    /// Does for a user whom no checker knows what would be done for one whom a checker knows.
    pub(super) fn pretend(&self, question: &Question<'_>) -> Result<Said> {
        let round = match question.kind.name() {
            "password" => {
                let password = field(question.presented, "password");
                // Checkers that check by themselves have done their work already.
                if !self.chain.links.iter().any(|link| link.forms(question.kind).next().is_some()) {
                    return Ok(Said { position: None, round: Round::Unknown });
                }
                let example = self.example(question)?;
                let example = example.unwrap_or_else(|| {
                    Verifier::new(keyward_core::VerifierForm::PasswordHash, hash::EXAMPLE)
                });
                let _room = self.room_for(&example)?;
                imitate(&example, question.user.unwrap_or_default(), password);
                Round::Unknown
            }
            _ => self.pretend_mechanism(question)?,
        };
        Ok(Said { position: None, round })
    }

    fn verify_password(
        &self,
        position: usize,
        link: &Link,
        question: &Question<'_>,
    ) -> Result<Round> {
        let password = field(question.presented, "password");
        let Some(account) = find(link, question)? else { return Ok(Round::Unknown) };
        let verifiers = &account.verifiers[..account.verifiers.len().min(MAX_VERIFIERS)];
        let user = question.user.unwrap_or_default();
        let now = self.now();
        let success = self.successes.as_ref().map(|cache| {
            let all = join(verifiers.iter().map(|verifier| verifier.value.expose()));
            cache.mark(&Success { position, user, password, verifier: all.expose() })
        });
        let kept = self.successes.as_ref().zip(success.as_ref());
        let cached = kept.and_then(|(cache, mark)| cache.find(mark, now));
        let right = match cached {
            Some(identity) => identity == account.identity,
            None if verifiers.is_empty() => {
                self.pretend(question)?;
                false
            }
            None => {
                // What an unknown user costs.
                let _ = black_box(self.example(question));
                self.any_matches(verifiers, user, password)? & is_some(password)
            }
        };
        if !right {
            return Ok(Round::wrong(Denial::Secret));
        }
        if let Some(denied) = account.denied {
            return Ok(Round::wrong(denied));
        }
        if let Some((cache, mark)) = kept {
            cache.keep(*mark, &account.identity, now);
        }
        Ok(Round::accepted(account.identity))
    }

    fn any_matches(&self, verifiers: &[Verifier], user: &str, password: &Secret) -> Result<bool> {
        let mut matches = false;
        for verifier in verifiers {
            let _room = self.room_for(verifier)?;
            // A verifier that cannot be used concerns only this user.
            matches |= self::password(verifier, user, password).unwrap_or(false);
        }
        Ok(matches)
    }

    /// Waits until there is memory for checking a password.
    fn room_for(&self, verifier: &Verifier) -> Result<crate::budget::Reserved<'_>> {
        let bytes = usize::try_from(memory(verifier)).unwrap_or(usize::MAX);
        // What uses little memory need not wait for what uses much.
        let bytes = if bytes < LITTLE { 0 } else { bytes };
        let wait = self.host.remaining().map_or(HASH_WAIT, |left| left.min(HASH_WAIT));
        self.budget.reserve(bytes, if bytes == 0 { Duration::ZERO } else { wait })
    }

    /// Returns the verifier of a user to imitate. The same unknown name always gets the same one, and
    /// different names get verifiers of all forms that there are.
    pub(super) fn example(&self, question: &Question<'_>) -> Result<Option<Verifier>> {
        let name = question.user.or(question.named).unwrap_or_default();
        let pick = self.key.pick("example", &[name.as_bytes()]);
        let links = self.chain.links.iter();
        let all: Vec<_> = links
            .flat_map(|link| link.forms(question.kind).map(move |form| (link, form)))
            .collect();
        // The high part of the number selects the checker and the form, and all of it the user.
        let first = (pick >> 32) as usize % all.len().max(1);
        for (link, form) in all.iter().cycle().skip(first).take(all.len()) {
            if let Some(example) = link.checker.example(pick, *form)? {
                return Ok(Some(example));
            }
        }
        Ok(None)
    }
}

/// Returns a user's account with the verifiers of the first form of which there are any.
pub(super) fn find(link: &Link, question: &Question<'_>) -> Result<Option<Account>> {
    let Some(user) = question.user else { return Ok(None) };
    let mut found = None;
    for form in link.forms(question.kind) {
        match link.checker.account(user, form)? {
            None => return Ok(None),
            Some(account) if account.verifiers.is_empty() => found = Some(account),
            some => return Ok(some),
        }
    }
    Ok(found)
}

/// Checks a token or a certificate. Without a user, the checker is asked for the owner of the
/// fingerprint.
fn verify_fingerprint(link: &Link, question: &Question<'_>) -> Result<Round> {
    let name = if *question.kind == PresentedKind::TOKEN { "token" } else { "certificate" };
    let presented = field(question.presented, name);
    let mark = fingerprint(presented.expose());
    let user = question.user.or(mark.expose_str());
    let Some(account) = find(link, &Question { user, ..*question })? else {
        return Ok(Round::Unknown);
    };
    let mut right = false;
    for verifier in &account.verifiers {
        right |= matches_fingerprint(&verifier.value, presented.expose());
    }
    Ok(match account.denied {
        _ if !right => Round::wrong(Denial::Secret),
        Some(denied) => Round::wrong(denied),
        None => Round::accepted(account.identity),
    })
}

/// Returns a field, or nothing for one that is missing.
pub(super) fn field<'a>(presented: &'a Presented, name: &str) -> &'a Secret {
    static NOTHING: std::sync::LazyLock<Secret> = std::sync::LazyLock::new(Secret::default);
    presented.field(name).unwrap_or(&NOTHING)
}
