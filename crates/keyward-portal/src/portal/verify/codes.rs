//! One-time passwords and recovery codes, each valid once.

use std::time::Duration;

use keyward_core::{Denial, Level, Result, Round, Secret, Verifier, VerifierForm};
use keyward_kinds::Moving;
use keyward_verifier::otp;

use super::{MAX_VERIFIERS, field};
use crate::chain::Link;
use crate::marks::label;
use crate::memory::{self, Key, Topic};
use crate::portal::Portal;
use crate::portal::factors::Question;
use crate::realm::Realm;

/// How many steps a clock may be wrong, and how many codes of a counter may be lost.
const WINDOW: u64 = 1;
const LOOK_AHEAD: u64 = 10;

/// How long the last step of a clock is remembered: longer than its code can be valid.
const STEP_LIFE: Duration = Duration::from_hours(24 * 7);

/// How long it is remembered that a recovery code was used, and where a counter is: in practice, for
/// ever.
const LONG: Duration = Duration::from_hours(24 * 365 * 100);

impl<R: Realm> Portal<R> {
    /// Checks a code. Wrong ones are counted for the user, whatever the address: one who knows the
    /// password could try all codes from many addresses (RFC 4226 section 7.3).
    pub(super) fn verify_code(&self, link: &Link, question: &Question<'_>) -> Result<Round> {
        let Some(user) = question.user else { return Ok(Round::Unknown) };
        let Some(penalties) = &self.penalties else { return self.find_code(user, link, question) };
        let (memory, counted) = (&*self.memory, penalties.codes_of(user));
        if penalties.begin(memory, &counted, self.now())?.is_some() {
            return Ok(Round::wrong(Denial::Restricted));
        }
        let round = self.find_code(user, link, question);
        let is_wrong = matches!(round, Ok(Round::Wrong { .. }));
        penalties.end(memory, &counted, self.now(), is_wrong)?;
        if matches!(round, Ok(Round::Accepted { .. })) {
            penalties.forgive(memory, &counted, self.now())?;
        }
        round
    }

    fn find_code(&self, user: &str, link: &Link, question: &Question<'_>) -> Result<Round> {
        let code = field(question.presented, "code");
        let mut known = None;
        let mut outcome = Denial::Secret;
        for form in link.forms(question.kind) {
            let Some(account) = link.checker.account(user, form)? else {
                return Ok(Round::Unknown);
            };
            for verifier in account.verifiers.iter().take(2 * MAX_VERIFIERS) {
                match self.use_code(verifier, code)? {
                    Used::Accepted => {
                        return Ok(match account.denied {
                            Some(denied) => Round::wrong(denied),
                            None => Round::accepted(account.identity),
                        });
                    }
                    Used::Before => outcome = Denial::Replayed,
                    Used::Wrong => {}
                }
            }
            known = Some(account);
        }
        Ok(if known.is_some() { Round::wrong(outcome) } else { Round::Unknown })
    }

    /// Uses a code up, if it is right.
    fn use_code(&self, verifier: &Verifier, code: &Secret) -> Result<Used> {
        // The seed or the hash identifies what is used: if two checkers know the same one, a code is
        // still valid once.
        let about = label("code", &[verifier.value.expose()]);
        let key = Key { topic: Topic::Code, about };
        if verifier.form == VerifierForm::RecoveryCode {
            if !otp::matches_recovery_code(&verifier.value, code) {
                return Ok(Used::Wrong);
            }
            if !self.can_remember("recovery codes") {
                return Ok(Used::Wrong);
            }
            return self.advance(&key, LONG, 1);
        }
        let Ok(seed) = otp::read(&verifier.value) else { return Ok(Used::Wrong) };
        if let Moving::Counter { .. } = seed.moving() {
            if !self.can_remember("counters of one-time passwords") {
                return Ok(Used::Wrong);
            }
            let mut last = None;
            self.memory.update(&key, self.now(), &mut |note| {
                last = note.cloned();
                memory::Edit::Leave
            })?;
            let last = last.as_ref().map(memory::read_number).transpose()?;
            return self.try_step(verifier, code, LOOK_AHEAD, last, &key, LONG);
        }
        self.try_step(verifier, code, WINDOW, None, &key, STEP_LIFE)
    }

    fn try_step(
        &self,
        verifier: &Verifier,
        code: &Secret,
        window: u64,
        last: Option<u64>,
        key: &Key,
        life: Duration,
    ) -> Result<Used> {
        match otp::match_code(&verifier.value, code, self.now(), window, last) {
            Ok(Some(step)) => self.advance(key, life, step),
            _ => Ok(Used::Wrong),
        }
    }

    /// Of several logins with one step, one goes on; and none with an earlier step.
    fn advance(&self, key: &Key, life: Duration, step: u64) -> Result<Used> {
        let first = memory::advance(&*self.memory, key, self.now(), life, step)?;
        Ok(if first { Used::Accepted } else { Used::Before })
    }

    /// Whether the memory outlives the server. Otherwise, what was used could be used again.
    fn can_remember(&self, what: &str) -> bool {
        let lasts = self.memory.lasts();
        if !lasts {
            let why =
                format_args!("{what} need a memory that outlives the server: none is accepted");
            self.host.log(Level::Warning, why);
        }
        lasts
    }
}

enum Used {
    Accepted,
    Before,
    Wrong,
}
