use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use keyward_core::{Identity, Presented, Secret, VerifierForm};
use keyward_verifier::hash;

use super::helpers::*;
use crate::*;

#[test]
fn nothing_shows_a_secret() {
    let portal =
        portal(Chain::new().with("memory", Box::new(Users::passwords(&[("ann", "canary")]))));
    let presented = Presented::password("ann", "canary");
    let login = portal.login(&presented, &here(), &[MAILBOX], ()).unwrap();
    let challenge = SessionId::from_client("canary");
    let shown = format!("{portal:?} {presented:?} {login:?} {challenge:?}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn parallel_hashes_stay_within_the_budget_and_cheap_checks_pass() {
    let users = Users::storing(&[VerifierForm::PasswordHash, VerifierForm::Plaintext]);
    let costly = hash::make(hash::Scheme::Argon2id, &"pw".into(), Some(8192)).unwrap();
    users.set("ann", VerifierForm::PasswordHash, costly.expose_str().unwrap());
    users.set("bob", VerifierForm::Plaintext, "pw");
    let portal = portal(Chain::new().with("store", Box::new(users)))
        .with_penalties(None)
        .with_hash_memory(16 << 20);
    let slowest = Mutex::new(Duration::ZERO);
    std::thread::scope(|scope| {
        let logins: Vec<_> =
            (0..40).map(|_| scope.spawn(|| inside(password(&portal, "ann", "pw")))).collect();
        while !logins.iter().all(|login| login.is_finished()) {
            let start = Instant::now();
            drop(inside(password(&portal, "bob", "pw")));
            let mut slowest = slowest.lock().unwrap();
            *slowest = start.elapsed().max(*slowest);
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    // The hashes together take seconds in a test build; a cheap check never waits for all of them.
    assert!(*slowest.lock().unwrap() < Duration::from_secs(5));
}

/// A realm that remembers in which order things happened.
struct Diary(Arc<Mutex<Vec<&'static str>>>);

struct Page(Arc<Mutex<Vec<&'static str>>>);

impl Drop for Page {
    fn drop(&mut self) {
        self.0.lock().unwrap().push("avatar");
    }
}

impl Realm for Diary {
    type Avatar = Page;
    type Mind = ();

    fn avatar(
        &self,
        _: &Visitor,
        _: &[Interface],
        (): (),
    ) -> keyward_core::Result<Admission<Page>> {
        let diary = Arc::clone(&self.0);
        let page = Page(Arc::clone(&self.0));
        Ok(Admission::until_logout(MAILBOX, page, move || diary.lock().unwrap().push("logout")))
    }
}

#[test]
fn a_user_is_logged_out_exactly_once_also_after_a_panic() {
    let diary = Arc::new(Mutex::new(Vec::new()));
    let chain = Chain::new().with("memory", Box::new(Users::passwords(&[("ann", "pw")])));
    let portal = Portal::new(Diary(Arc::clone(&diary)), chain, host()).unwrap();
    let log_in = || match portal
        .login(&Presented::password("ann", "pw"), &here(), &[MAILBOX], ())
        .unwrap()
    {
        Progress::LoggedIn(login) => login,
        _ => panic!("not logged in"),
    };
    drop(log_in());
    log_in().logout();
    let login = log_in();
    let thread = std::thread::spawn(move || {
        let _login = login;
        panic!("the server has a fault");
    });
    assert!(thread.join().is_err());
    assert_eq!(*diary.lock().unwrap(), ["avatar", "logout"].repeat(3));
}

#[test]
fn an_identity_is_what_the_checker_says() {
    let users = Users::passwords(&[("ann", "pw")]);
    let chain = Chain::new().with("memory", Box::new(users));
    let portal = Portal::new(IdentityRealm, chain, host()).unwrap();
    let presented = Presented::password("ann", Secret::from("pw"));
    let progress = portal.login(&presented, &here(), &[VISITOR], ()).unwrap();
    let Progress::LoggedIn(login) = progress else { panic!("not logged in") };
    assert_eq!(login.avatar().identity, Some(Identity::new("ann").unwrap()));
}
