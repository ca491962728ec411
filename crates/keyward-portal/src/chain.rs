use std::sync::Arc;

use keyward_core::{Checker, Error, PresentedKind, Result, VerifierForm};

use crate::Expression;
use crate::matrix::{forms_for, is_legacy};

/// Checkers in order, and what a login needs of them.
///
/// The next checker is asked only if a user is unknown to all before it. A wrong password ends the
/// search: otherwise a password for a namesake in the next checker would open the door.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    pub(crate) links: Vec<Link>,
    pub(crate) policy: Option<Expression>,
    pub(crate) skip_unavailable: bool,
    pub(crate) legacy: bool,
}

/// A checker in a [`Chain`].
#[derive(Clone, Debug)]
pub struct Link {
    /// Its name, which a policy can use. The second checker of one type is called `TYPE-2`.
    pub name: String,
    /// The checker.
    pub checker: Arc<dyn Checker>,
}

impl Chain {
    /// Makes a chain without checkers, which lets no client in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a checker. `name` is its type, such as `htpasswd`.
    #[must_use]
    pub fn with(mut self, name: &str, checker: Box<dyn Checker>) -> Self {
        let before = self.links.iter().filter(|link| link.base() == name).count();
        let name = if before == 0 { name.to_owned() } else { format!("{name}-{}", before + 1) };
        self.links.push(Link { name, checker: Arc::from(checker) });
        self
    }

    /// Lets a login need several factors, as in `(password and totp) or sshkey`. The names are those
    /// of checkers and of kinds of credentials.
    #[must_use]
    pub fn with_policy(mut self, policy: Expression) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Goes on with the next checker if one is unavailable. Otherwise, no client is let in meanwhile.
    #[must_use]
    pub fn skipping_unavailable(mut self) -> Self {
        self.skip_unavailable = true;
        self
    }

    /// Allows CRAM-MD5, APOP and the challenge of Perspective Broker.
    #[must_use]
    pub fn with_legacy(mut self) -> Self {
        self.legacy = true;
        self
    }

    /// The checkers, in order.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Whether credentials of this kind can be checked.
    pub fn serves(&self, kind: &PresentedKind) -> bool {
        (self.legacy || !is_legacy(kind)) && self.links.iter().any(|link| link.serves(kind))
    }

    /// Returns the kinds of Keyward that can be checked, and those of third parties.
    pub fn kinds(&self) -> Vec<PresentedKind> {
        let mut kinds: Vec<_> = PresentedKind::ALL.to_vec();
        kinds.extend(self.links.iter().flat_map(|link| link.checker.accepts().to_vec()));
        let mut served: Vec<PresentedKind> = Vec::new();
        for kind in kinds {
            if self.serves(&kind) && !served.contains(&kind) {
                served.push(kind);
            }
        }
        served
    }

    /// Whether a client that presents these kinds, all at once, can be let in. Each is proved to one
    /// checker only: the first that knows the user.
    pub fn suffices(&self, kinds: &[PresentedKind]) -> bool {
        let proves = |kind: &PresentedKind| *kind != PresentedKind::CIRCUMSTANCES;
        let served: Vec<_> =
            kinds.iter().filter(|kind| proves(kind) && self.serves(kind)).collect();
        match &self.policy {
            None if self.has_condition() => true,
            None => served.iter().any(|kind| **kind != PresentedKind::ONE_TIME_PASSWORD),
            Some(policy) => self.holds(policy, &served, &mut Vec::new()),
        }
    }

    /// Whether a policy holds if each of the kinds is proved to any one checker that serves it.
    fn holds<'a>(
        &'a self,
        policy: &Expression,
        kinds: &[&'a PresentedKind],
        proved: &mut Vec<&'a str>,
    ) -> bool {
        let Some((kind, others)) = kinds.split_first() else {
            return policy
                .can_hold(&|name| proved.contains(&name), &|name| self.is_condition(name));
        };
        // What the policy does not name cannot help it.
        let names = policy.names();
        let is_named = |name: &str| names.contains(&name);
        let mut links = self.links.iter().filter(|link| link.serves(kind));
        if !is_named(kind.name()) && !links.clone().any(|link| is_named(&link.name)) {
            return self.holds(policy, others, proved);
        }
        links.any(|link| {
            proved.extend([link.name.as_str(), kind.name()]);
            let holds = self.holds(policy, others, proved);
            proved.truncate(proved.len() - 2);
            holds
        })
    }

    /// Checks that a login is possible, for each of these kinds that a server wants to offer.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), naming the kind, and the checkers that cannot
    /// serve it; or naming what is wrong with the policy.
    pub fn check(&self, offered: &[PresentedKind]) -> Result<()> {
        for kind in offered {
            if !self.serves(kind) {
                return Err(self.cannot_serve(kind));
            }
        }
        match &self.policy {
            None => {
                self.check_conditions()?;
                self.check_second_factors()
            }
            Some(policy) => self.check_policy(policy),
        }
    }

    fn cannot_serve(&self, kind: &PresentedKind) -> Error {
        let names: Vec<_> = self.links.iter().map(|link| link.name.as_str()).collect();
        let why = match names.as_slice() {
            [] => format!("{kind} is offered, but there are no checkers"),
            names => format!("{kind} is offered, but cannot be checked by {}", names.join(", ")),
        };
        let hint = if is_legacy(kind) && !self.legacy {
            format!("{kind} needs the switch for legacy mechanisms")
        } else {
            "`keyward auth matrix` shows what the checkers can check".into()
        };
        Error::invalid("portal", why).hint(hint)
    }

    /// Whether a name in a policy is that of a condition: a checker that is asked about the
    /// circumstances of a login, and not about who the client is.
    pub(crate) fn is_condition(&self, name: &str) -> bool {
        self.links.iter().any(|link| link.name == name && link.is_condition())
    }

    /// Whether one of the checkers is a condition.
    pub fn has_condition(&self) -> bool {
        self.links.iter().any(Link::is_condition)
    }

    /// A condition beside other checkers needs a policy, which says how it matters.
    fn check_conditions(&self) -> Result<()> {
        let condition = self.links.iter().find(|link| link.is_condition());
        let Some(link) = condition.filter(|_| self.links.len() > 1) else { return Ok(()) };
        let why = format!("{} is a condition: only a policy says how it matters", link.name);
        Err(Error::invalid("portal", why)
            .hint(format!("Add a policy, such as `password and {}`", link.name)))
    }

    /// A checker of second factors is of no use without a policy that names it.
    fn check_second_factors(&self) -> Result<()> {
        let is_second = |link: &&Link| {
            let mut kinds = PresentedKind::ALL.iter().filter(|kind| link.serves(kind));
            kinds.next() == Some(&PresentedKind::ONE_TIME_PASSWORD) && kinds.next().is_none()
        };
        match self.links.iter().find(is_second) {
            None => Ok(()),
            Some(link) => Err(Error::invalid(
                "portal",
                format!(
                    "{} checks only one-time passwords, which are no login by themselves",
                    link.name
                ),
            )
            .hint(format!("Add a policy, such as `password and {}`", link.name))),
        }
    }

    fn check_policy(&self, policy: &Expression) -> Result<()> {
        if policy.negates(&|name| !self.is_condition(name)) {
            let why = "the policy denies what a client proves: `not` can only be before conditions";
            return Err(Error::invalid("portal", why));
        }
        for name in policy.names() {
            let is_link = self.links.iter().any(|link| link.name == name);
            let kind = PresentedKind::from_name(name);
            if kind.as_ref() == Some(&PresentedKind::CIRCUMSTANCES) {
                let why = "the policy names circumstances: name the conditions, such as `ip`";
                return Err(Error::invalid("portal", why));
            }
            if !is_link && !kind.is_some_and(|kind| self.serves(&kind)) {
                let why = format!(
                    "the policy names {name}, which is neither a checker nor a kind that can be checked"
                );
                return Err(Error::invalid("portal", why));
            }
        }
        let code = PresentedKind::ONE_TIME_PASSWORD;
        let takes_codes =
            |name: &str| self.links.iter().find(|link| link.name == name && link.serves(&code));
        for name in policy.names() {
            let others = |link: &Link| {
                PresentedKind::ALL.iter().any(|kind| *kind != code && link.serves(kind))
            };
            if takes_codes(name).is_some_and(others) {
                let why = format!(
                    "the policy names {name}, which checks one-time passwords and other credentials"
                );
                let hint = "Name the kinds instead, such as `password and one-time-password`";
                return Err(Error::invalid("portal", why).hint(hint));
            }
        }
        let is_condition = |name: &str| self.is_condition(name);
        let is_code = |name: &str| name == code.name() || takes_codes(name).is_some();
        let needs_proof = !policy.can_hold(&|_| false, &is_condition);
        if needs_proof && policy.can_hold(&is_code, &is_condition) {
            let why = "the policy lets in who has nothing but a one-time password";
            return Err(Error::invalid("portal", why));
        }
        if !self.suffices(&self.kinds()) {
            let why =
                "no login can satisfy the policy: a credential is checked by one checker only";
            return Err(Error::invalid("portal", why));
        }
        Ok(())
    }
}

impl Link {
    /// The type of the checker.
    fn base(&self) -> &str {
        match self.name.rsplit_once('-') {
            Some((base, number)) if number.parse::<usize>().is_ok() => base,
            _ => &self.name,
        }
    }

    /// Whether it is asked about the circumstances of a login, and about nothing else.
    pub fn is_condition(&self) -> bool {
        self.checker.accepts() == [PresentedKind::CIRCUMSTANCES]
    }

    /// Whether it can check credentials of this kind, by itself or with its verifiers.
    pub fn serves(&self, kind: &PresentedKind) -> bool {
        self.checker.accepts().contains(kind) || self.forms(kind).next().is_some()
    }

    /// Returns the forms of its verifiers that serve a kind.
    pub(crate) fn forms(&self, kind: &PresentedKind) -> impl Iterator<Item = VerifierForm> {
        let stored = self.checker.stores();
        forms_for(kind).iter().copied().filter(move |form| stored.contains(form))
    }
}
