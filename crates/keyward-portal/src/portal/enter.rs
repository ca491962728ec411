//! The realm's part of a login.

use keyward_core::{Attempt, Error, Identity, PresentedKind, Result};

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
        if !self.is_enough(&proof) {
            let missing = self.missing(&proof);
            let last = proof.last.unwrap_or_default();
            return Ok(Progress::Challenge(self.wait(&proof.waiting, attempt, last, missing)?));
        }
        self.forgive(&proof.waiting, attempt)?;
        let authenticated = proof.waiting.identity.clone();
        let Some(identity) = self.acting_as(&proof)? else {
            return Ok(Progress::Refused(Refusal::new(Cause::MayNotActAs)));
        };
        let Waiting { factors, until, .. } = proof.waiting;
        let visitor = Visitor { identity, authenticated, factors, until };
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

    fn is_enough(&self, proof: &Proof) -> bool {
        let factors = &proof.waiting.factors;
        let is_proved = |name: &str| factors.iter().any(|factor| factor == name);
        let policy = self.chain.policy.as_ref();
        policy.is_none_or(|policy| policy.holds(&mut |name| is_proved(name)))
    }

    /// The names in the policy that were not proved.
    fn missing(&self, proof: &Proof) -> Vec<String> {
        let names = self.chain.policy.as_ref().map(|policy| policy.names()).unwrap_or_default();
        let missing =
            names.into_iter().filter(|name| !proof.waiting.factors.iter().any(|it| it == name));
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
