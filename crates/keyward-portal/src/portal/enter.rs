//! The realm's part of a login.

use keyward_core::{Attempt, Denial, Error, Identity, PresentedKind, Result};

use super::conditions::Circumstances;
use super::pending::Waiting;
use super::{Found, Portal, Proof};
use crate::login::{Cause, Login, Progress, Refusal};
use crate::prepare::prepare_user;
use crate::realm::{Admission, Interface, Realm, Visitor};

impl<R: Realm> Portal<R> {
    /// Lets a client in who has proved enough, and asks others for more.
    pub(super) fn enter(
        &self,
        found: Found,
        attempt: &Attempt,
        interfaces: &[Interface],
        mind: R::Mind,
    ) -> Result<Progress<R::Avatar>> {
        let proof = match found {
            Found::Proved(proof) => proof,
            Found::Challenge(challenge) => return Ok(Progress::Challenge(challenge)),
            Found::Refused(refusal) => return Ok(Progress::Refused(refusal)),
        };
        let Waiting { factors, until, .. } = &proof.waiting;
        let mut circumstances = Circumstances::new(attempt);
        let verdict = self.evaluate(factors, *until, &mut circumstances)?;
        if !verdict.holds {
            let missing = self.missing(factors, &circumstances);
            if missing.is_empty() {
                let cause = Cause::Denied(Denial::Restricted);
                return Ok(Progress::Refused(Refusal::new(cause)));
            }
            let last = proof.last.unwrap_or_default();
            return Ok(Progress::Challenge(self.wait(&proof.waiting, attempt, last, missing)?));
        }
        self.forgive(&proof.waiting, attempt)?;
        let authenticated = proof.waiting.identity.clone();
        let Some(identity) = self.acting_as(&proof)? else {
            return Ok(Progress::Refused(Refusal::new(Cause::MayNotActAs)));
        };
        let factors = proof.waiting.factors;
        let visitor = Visitor { identity, authenticated, factors, until: verdict.until };
        match self.realm.avatar(&visitor, interfaces, mind)? {
            Admission::Granted { interface, avatar, logout } => {
                let login = Login::new(visitor, interface, avatar, proof.last, logout);
                if interfaces.contains(&interface) {
                    return Ok(Progress::LoggedIn(login));
                }
                let why =
                    "the realm returned an avatar for an interface that the server did not ask for";
                Err(Error::invalid("login", why))
            }
            Admission::Denied(why) => Ok(Progress::Refused(Refusal::new(Cause::Realm(why)))),
            Admission::NoInterface => {
                let names: Vec<_> = interfaces.iter().map(|interface| interface.0).collect();
                let why = format!("the realm offers nothing of {}", names.join(", "));
                Err(Error::new(keyward_core::ErrorKind::Unsupported, "login").because(why))
            }
        }
    }

    /// The names in the policy that were not proved; none if a client that has proved nothing, or
    /// whatever it proves, cannot be let in in these circumstances.
    fn missing(&self, factors: &[String], circumstances: &Circumstances<'_>) -> Vec<String> {
        let Some(policy) = self.chain.policy.as_ref().filter(|_| !factors.is_empty()) else {
            return Vec::new();
        };
        let is_condition = |name: &str| self.chain.is_condition(name);
        let is_proved = |name: &str| factors.iter().any(|factor| factor == name);
        let is = |name: &str| {
            if is_condition(name) { circumstances.may_hold(name) } else { is_proved(name) }
        };
        let can_be_proved = |name: &str| !is_condition(name) && !is_proved(name);
        if !policy.can_hold(&is, &can_be_proved) {
            return Vec::new();
        }
        let missing = policy.names().into_iter().filter(|name| can_be_proved(name));
        missing.map(str::to_owned).collect()
    }

    /// Returns who the client may act as: itself, or the user that it asked for; `None` if it may not.
    fn acting_as(&self, proof: &Proof) -> Result<Option<Option<Identity>>> {
        let own = &proof.waiting.identity;
        let Some(wanted) = &proof.waiting.wanted else { return Ok(Some(own.clone())) };
        let (Ok(wanted), Some(own)) = (prepare_user(wanted), own) else { return Ok(None) };
        let wanted = Identity::new(wanted)?;
        let may = wanted == *own || self.realm.may_act_as(own, &wanted)?;
        Ok(may.then_some(Some(wanted)))
    }

    /// The names under which a proof counts.
    pub(super) fn factors(link: &str, kind: &PresentedKind) -> [String; 2] {
        [link.to_owned(), kind.name().to_owned()]
    }
}
