use std::sync::Arc;

use keyward_core::{Denial, Presented, PresentedKind, Secret, Timestamp, VerifierForm};
use keyward_testkit::{MemorySource, TestHost};
use keyward_verifier::otp;

use super::helpers::*;
use crate::*;

const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn code_at(seconds: u64) -> Secret {
    otp::read(&SEED.into()).unwrap().code_at(seconds / 30)
}

fn two_factors(policy: &str) -> (Portal<Mail>, Arc<TestHost>) {
    let codes = Users::storing(&[VerifierForm::OneTimePassword]);
    codes.set("ann", VerifierForm::OneTimePassword, SEED);
    codes.set("bob", VerifierForm::OneTimePassword, SEED);
    let chain = Chain::new()
        .with("memory", Box::new(Users::passwords(&[("ann", "pw"), ("bob", "pw")])))
        .with("totp", Box::new(codes))
        .with("riddle", Box::new(Riddle))
        .with_policy(Expression::parse(policy).unwrap());
    let host = host();
    (Portal::new(Mail::default(), chain, host.clone()).unwrap(), host)
}

fn now(host: &TestHost) -> Timestamp {
    keyward_core::Host::now(host)
}

fn code(code: &Secret) -> Presented {
    Presented::new(PresentedKind::ONE_TIME_PASSWORD).with("code", code.clone())
}

#[test]
fn tw_76_both_factors_are_needed_in_one_session() {
    let (portal, host) = two_factors("(password and totp) or conversation");
    let add = |challenge: &Challenge, presented: &Presented| {
        portal.add_factor(&challenge.session, presented, &here(), &[MAILBOX], ()).unwrap()
    };
    let asked = challenge(password(&portal, "ann", "pw"));
    assert_eq!(asked.missing, ["totp", "conversation"]);
    let right = code_at(now(&host).as_unix());
    let login = inside(add(&asked, &code(&right)));
    assert_eq!(login.visitor().factors, ["memory", "password", "totp", "one-time-password"]);

    // The session is over, and so is the code.
    assert_eq!(refused(add(&asked, &code(&right))).cause, Cause::NoSession);
    let asked = challenge(password(&portal, "ann", "pw"));
    assert_eq!(refused(add(&asked, &code(&right))).cause, Cause::Denied(Denial::Replayed));
    // After a wrong code, the password must be given again.
    let asked = challenge(password(&portal, "ann", "pw"));
    assert_eq!(refused(add(&asked, &code(&"000000".into()))).cause, Cause::Denied(Denial::Secret));
    assert_eq!(refused(add(&asked, &code(&right))).cause, Cause::NoSession);
}

#[test]
fn s_18_factors_of_two_sessions_or_users_do_not_add_up() {
    let (portal, host) = two_factors("(password and totp) or conversation");
    let right = code_at(now(&host).as_unix());
    // A code alone is not even tried.
    let alone = code(&right).named("ann");
    assert_eq!(refused(login(&portal, &alone)).cause, Cause::NotServed);
    let asked = challenge(password(&portal, "ann", "pw"));
    let others = code(&right).named("bob");
    let progress = portal.add_factor(&asked.session, &others, &here(), &[MAILBOX], ()).unwrap();
    assert_eq!(refused(progress).cause, Cause::OtherUser);
    // The first factor of one session is not there in another.
    let _ = challenge(password(&portal, "bob", "pw"));
    let _ = challenge(password(&portal, "bob", "pw"));
}

#[test]
fn both_factors_can_come_at_once() {
    let (portal, host) = two_factors("password and totp");
    let both = |user: &str, secret: &str, code: &Secret| {
        let presented = Presented::password(user, secret).also(PresentedKind::ONE_TIME_PASSWORD);
        login(&portal, &presented.with("code", code.clone()))
    };
    let right = code_at(now(&host).as_unix());
    // With a wrong password the code is not used up.
    assert_eq!(refused(both("ann", "no", &right)).cause, Cause::Denied(Denial::Secret));
    drop(inside(both("ann", "pw", &right)));
    assert_eq!(refused(both("ann", "pw", &right)).cause, Cause::Denied(Denial::Replayed));
    host.set_now(now(&host).after(std::time::Duration::from_secs(30)));
    drop(inside(both("ann", "pw", &code_at(now(&host).as_unix()))));
    // An earlier code never follows a later one, though it is still in the window.
    host.set_now(now(&host).after(std::time::Duration::from_secs(30)));
    let (newer, older) = (now(&host).as_unix(), now(&host).as_unix() - 30);
    drop(inside(both("bob", "pw", &code_at(newer))));
    assert_eq!(refused(both("bob", "pw", &code_at(older))).cause, Cause::Denied(Denial::Replayed));
}

#[test]
fn a_code_used_200_times_in_parallel_succeeds_once() {
    let local: Arc<dyn Memory> = Arc::new(LocalMemory::default());
    let source = Arc::new(MemorySource::listing());
    let shared: Arc<dyn Memory> = Arc::new(SharedMemory::new(source, "portal"));
    for memory in [local, shared] {
        let (portal, host) = two_factors("password and totp");
        let portal = portal.with_memory(memory).with_penalties(None);
        let right = code_at(now(&host).as_unix());
        let try_once = || {
            let presented = Presented::password("ann", "pw")
                .also(PresentedKind::ONE_TIME_PASSWORD)
                .with("code", right.clone());
            matches!(login(&portal, &presented), Progress::LoggedIn(_))
        };
        let count = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..200).map(|_| scope.spawn(try_once)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|won| *won).count()
        });
        assert_eq!(count, 1);
    }
}

#[test]
fn a_recovery_code_works_once_and_needs_a_memory_that_lasts() {
    let codes = Users::storing(&[VerifierForm::RecoveryCode]);
    let [recovery, ..] = otp::recovery_codes().unwrap();
    let stored = otp::recovery_fingerprint(&recovery);
    codes.set("ann", VerifierForm::RecoveryCode, stored.expose_str().unwrap());
    let chain = Chain::new()
        .with("memory", Box::new(Users::passwords(&[("ann", "pw")])))
        .with("codes", Box::new(codes))
        .with_policy(Expression::parse("password and codes").unwrap());
    let presented = Presented::password("ann", "pw")
        .also(PresentedKind::ONE_TIME_PASSWORD)
        .with("code", recovery);
    let forgetful = portal(chain.clone());
    let cause = refused(login(&forgetful, &presented)).cause;
    assert_eq!(cause, Cause::Denied(Denial::Secret));
    let shared = SharedMemory::new(Arc::new(MemorySource::listing()), "portal");
    let portal = portal(chain).with_memory(Arc::new(shared));
    drop(inside(login(&portal, &presented)));
    assert_eq!(refused(login(&portal, &presented)).cause, Cause::Denied(Denial::Replayed));
}

#[test]
fn a_configuration_that_cannot_work_is_refused_at_the_start() {
    let memory = || Chain::new().with("memory", Box::new(Users::passwords(&[])));
    let codes = || Box::new(Users::storing(&[VerifierForm::OneTimePassword]));
    let hashes = |name: &str, chain: Chain| {
        chain.with(name, Box::new(Users::storing(&[VerifierForm::PasswordHash])))
    };
    let policy = |chain: Chain, text: &str| chain.with_policy(Expression::parse(text).unwrap());
    for (chain, offered, named) in [
        (memory(), vec![PresentedKind::TOKEN], ["token", "memory"]),
        (memory(), vec![PresentedKind::CRAM_MD5], ["cram-md5", "memory"]),
        (Chain::new(), vec![PresentedKind::PASSWORD], ["password", "no checkers"]),
        (memory().with("totp", codes()), vec![], ["totp", "one-time"]),
        (policy(memory(), "memory and ldap"), vec![], ["ldap", "policy"]),
        (policy(memory(), "not memory"), vec![], ["not", "policy"]),
        (
            policy(hashes("one", hashes("two", Chain::new())), "one and two"),
            vec![],
            ["one checker", "policy"],
        ),
        (
            policy(memory().with("totp", codes()), "memory or one-time-password"),
            vec![],
            ["one-time", "policy"],
        ),
        (policy(memory().with("totp", codes()), "memory or totp"), vec![], ["one-time", "policy"]),
    ] {
        let error = chain.check(&offered).unwrap_err();
        let said = error.to_string();
        assert!(named.iter().all(|name| said.contains(name)), "{said}");
    }
    let chain = policy(memory().with("totp", codes()), "memory and totp");
    chain.check(&[PresentedKind::PASSWORD]).unwrap();
    // HTTP Basic alone cannot satisfy the policy; a form with both can.
    assert!(!chain.suffices(&[PresentedKind::PASSWORD]));
    assert!(chain.suffices(&[PresentedKind::PASSWORD, PresentedKind::ONE_TIME_PASSWORD]));
}
