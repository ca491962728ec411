//! Checkers and realms for the tests of the portal.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use keyward_core::{
    Account, Attempt, Checker, Denial, Error, ErrorKind, Identity, Presented, PresentedKind,
    Result, Round, Secret, Verifier, VerifierForm,
};
use keyward_testkit::TestHost;

use crate::*;

/// A checker that hands over the verifiers that a test gives it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Users(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    forms: Vec<VerifierForm>,
    users: Mutex<BTreeMap<String, User>>,
    is_down: AtomicBool,
    lookups: AtomicUsize,
}

type User = (Vec<Verifier>, Option<Denial>);

impl Users {
    pub(crate) fn storing(forms: &[VerifierForm]) -> Self {
        Self(Arc::new(Inner { forms: forms.to_vec(), ..Inner::default() }))
    }

    pub(crate) fn passwords(pairs: &[(&str, &str)]) -> Self {
        let users = Self::storing(&[VerifierForm::Plaintext]);
        for (user, password) in pairs {
            users.set(user, VerifierForm::Plaintext, password);
        }
        users
    }

    pub(crate) fn set(&self, user: &str, form: VerifierForm, value: &str) {
        let mut users = self.0.users.lock().unwrap();
        let (verifiers, _) = users.entry(user.to_owned()).or_default();
        verifiers.retain(|verifier| verifier.form != form);
        verifiers.push(Verifier::new(form, value));
    }

    pub(crate) fn disable(&self, user: &str) {
        self.0.users.lock().unwrap().get_mut(user).unwrap().1 = Some(Denial::Disabled);
    }

    pub(crate) fn go_down(&self) {
        self.0.is_down.store(true, Ordering::Relaxed);
    }

    pub(crate) fn lookups(&self) -> usize {
        self.0.lookups.load(Ordering::Relaxed)
    }

    fn is_up(&self) -> Result<()> {
        match self.0.is_down.load(Ordering::Relaxed) {
            true => Err(Error::new(ErrorKind::Unavailable, "account").because("it is down")),
            false => Ok(()),
        }
    }
}

impl Checker for Users {
    fn stores(&self) -> &[VerifierForm] {
        &self.0.forms
    }

    fn account(&self, user: &str, form: VerifierForm) -> Result<Option<Account>> {
        self.0.lookups.fetch_add(1, Ordering::Relaxed);
        self.is_up()?;
        let users = self.0.users.lock().unwrap();
        Ok(users.get(user).map(|(verifiers, denied)| {
            let verifiers = verifiers.iter().filter(|it| it.form == form).cloned().collect();
            let mut account = Account::new(Identity::new(user).unwrap(), verifiers);
            account.denied = *denied;
            account
        }))
    }

    fn example(&self, pick: u64, form: VerifierForm) -> Result<Option<Verifier>> {
        self.is_up()?;
        let users = self.0.users.lock().unwrap();
        let all: Vec<_> =
            users.values().flat_map(|(all, _)| all).filter(|it| it.form == form).collect();
        Ok((!all.is_empty()).then(|| all[(pick % all.len() as u64) as usize].clone()))
    }
}

/// A checker that asks a question.
#[derive(Debug)]
pub(crate) struct Riddle;

impl Checker for Riddle {
    fn accepts(&self) -> &[PresentedKind] {
        const KINDS: &[PresentedKind] = &[PresentedKind::CONVERSATION];
        KINDS
    }

    fn check(&self, presented: &Presented, _: &Attempt) -> Result<Round> {
        Ok(match presented.user() {
            Some(user @ "ann") => Round::Challenge {
                pending: Secret::from(format!("{user} knows")),
                challenge: Secret::from("What is the answer?"),
            },
            _ => Round::Unknown,
        })
    }

    fn resume(&self, pending: &Secret, answer: &Secret, _: &Attempt) -> Result<Round> {
        assert_eq!(pending.expose(), b"ann knows");
        Ok(match answer.expose() {
            b"42" => Round::accepted(Identity::new("ann").unwrap()),
            _ => Round::wrong(Denial::Secret),
        })
    }
}

pub(crate) const MAILBOX: Interface = Interface("mailbox");

/// A realm of mailboxes that counts who is in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mail {
    pub(crate) inside: Arc<AtomicUsize>,
}

impl Realm for Mail {
    type Avatar = String;
    type Mind = ();

    fn avatar(&self, visitor: &Visitor, wanted: &[Interface], (): ()) -> Result<Admission<String>> {
        let name = visitor.identity.as_ref().map_or("nobody", |identity| identity.as_str());
        if name == "banned" {
            return Ok(Admission::Denied("the quota is used up".into()));
        }
        if !wanted.contains(&MAILBOX) {
            return Ok(Admission::NoInterface);
        }
        self.inside.fetch_add(1, Ordering::Relaxed);
        let inside = Arc::clone(&self.inside);
        Ok(Admission::until_logout(MAILBOX, format!("mail of {name}"), move || {
            inside.fetch_sub(1, Ordering::Relaxed);
        }))
    }

    fn may_act_as(&self, user: &Identity, other: &Identity) -> Result<bool> {
        Ok(user.as_str() == "root" && other.as_str() == "ann")
    }
}

pub(crate) fn host() -> Arc<TestHost> {
    Arc::new(TestHost::new())
}

pub(crate) fn portal(chain: Chain) -> Portal<Mail> {
    Portal::new(Mail::default(), chain, host()).unwrap()
}

pub(crate) fn here() -> Attempt {
    Attempt::from_address("192.0.2.1").private()
}

pub(crate) fn login(portal: &Portal<Mail>, presented: &Presented) -> Progress<String> {
    portal.login(presented, &here(), &[MAILBOX], ()).unwrap()
}

pub(crate) fn password(portal: &Portal<Mail>, user: &str, password: &str) -> Progress<String> {
    login(portal, &Presented::password(user, password))
}

#[track_caller]
pub(crate) fn inside(progress: Progress<String>) -> Login<String> {
    match progress {
        Progress::LoggedIn(login) => login,
        other => panic!("not logged in: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn refused(progress: Progress<String>) -> Refusal {
    match progress {
        Progress::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn challenge(progress: Progress<String>) -> Challenge {
    match progress {
        Progress::Challenge(challenge) => challenge,
        other => panic!("no challenge: {other:?}"),
    }
}

/// A checker that lets anybody in without a name.
#[derive(Debug)]
pub(super) struct Anybody;

impl Checker for Anybody {
    fn accepts(&self) -> &[PresentedKind] {
        const KINDS: &[PresentedKind] = &[PresentedKind::ANONYMOUS];
        KINDS
    }

    fn check(&self, _: &Presented, _: &Attempt) -> Result<Round> {
        Ok(Round::Accepted { identity: None, last: None, until: None })
    }
}
