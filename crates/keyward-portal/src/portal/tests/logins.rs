use std::sync::atomic::Ordering;
use std::time::Duration;

use keyward_core::{Denial, ErrorKind, Presented, PresentedKind, VerifierForm};
use keyward_verifier::{fingerprint, hash};

use super::helpers::*;
use crate::*;

#[test]
fn tw_02_the_right_password_gives_an_avatar_until_the_logout() {
    let portal = portal(Chain::new().with("memory", Box::new(Users::passwords(&[("ann", "pw")]))));
    let login = inside(password(&portal, "ann", "pw"));
    assert_eq!((login.avatar().as_str(), login.interface()), ("mail of ann", MAILBOX));
    assert_eq!(login.visitor().factors, ["memory", "password"]);
    let inside = &portal.realm().inside;
    assert_eq!(inside.load(Ordering::Relaxed), 1);
    login.logout();
    assert_eq!(inside.load(Ordering::Relaxed), 0);
}

#[test]
fn tw_01_the_kinds_are_those_that_checkers_serve() {
    let chain = Chain::new()
        .with("memory", Box::new(Users::passwords(&[])))
        .with("riddle", Box::new(Riddle));
    let names = |chain: &Chain| {
        let kinds = chain.kinds();
        kinds.iter().map(|kind| kind.name().to_owned()).collect::<Vec<_>>()
    };
    let all = ["password", "scram-sha-256", "scram-sha-1", "digest", "conversation"];
    assert_eq!(names(&chain), all);
    let all = [&all[..], &["cram-md5", "apop", "pb"]].concat();
    assert_eq!(names(&chain.with_legacy()), all);
    assert!(names(&Chain::new()).is_empty());
}

#[test]
fn tw_03_a_kind_of_a_third_party_can_also_be_a_password() {
    let portal = portal(Chain::new().with("memory", Box::new(Users::passwords(&[("ann", "pw")]))));
    let badge = PresentedKind::from_name("example.badge").unwrap();
    let presented =
        Presented::new(badge).also(PresentedKind::PASSWORD).named("ann").with("password", "pw");
    drop(inside(login(&portal, &presented)));
}

#[test]
fn tw_04_05_wrong_passwords_and_unknown_users_are_refused() {
    let users = Users::passwords(&[("ann", "pw"), ("off", "pw")]);
    users.disable("off");
    let portal = portal(Chain::new().with("memory", Box::new(users)));
    for (user, secret, cause) in [
        ("ann", "wrong", Cause::Denied(Denial::Secret)),
        ("bob", "pw", Cause::UnknownUser),
        ("off", "pw", Cause::Denied(Denial::Disabled)),
        ("ann", "", Cause::Denied(Denial::Secret)),
        ("ann", "\0\0", Cause::Denied(Denial::Secret)),
        ("", "pw", Cause::UnknownUser),
        ("ann\n", "pw", Cause::UnknownUser),
    ] {
        assert_eq!(refused(password(&portal, user, secret)).cause, cause, "{user:?} {secret:?}");
    }
}

#[test]
fn tw_09_what_no_checker_serves_is_refused() {
    let portal = portal(Chain::new().with("riddle", Box::new(Riddle)));
    assert_eq!(refused(password(&portal, "ann", "pw")).cause, Cause::NotServed);
    assert_eq!(refused(login(&portal, &Presented::anonymous())).cause, Cause::NotServed);
    let nobody = super::helpers::portal(Chain::new());
    assert_eq!(refused(login(&nobody, &Presented::anonymous())).cause, Cause::NotServed);
}

#[test]
fn tw_58_the_next_checker_is_asked_only_for_unknown_users() {
    let first = Users::passwords(&[("ann", "one")]);
    let second = Users::passwords(&[("ann", "two"), ("bob", "two")]);
    let chain = Chain::new().with("memory", Box::new(first.clone()));
    let portal = portal(chain.with("memory", Box::new(second.clone())));
    drop(inside(password(&portal, "ann", "one")));
    assert_eq!(inside(password(&portal, "bob", "two")).visitor().factors, ["memory-2", "password"]);
    let before = second.lookups();
    assert_eq!(refused(password(&portal, "ann", "two")).cause, Cause::Denied(Denial::Secret));
    assert_eq!(second.lookups(), before);
}

#[test]
fn an_unavailable_checker_lets_nobody_in() {
    let (first, second) = (Users::passwords(&[("ann", "pw")]), Users::passwords(&[("bob", "pw")]));
    first.go_down();
    let chain = Chain::new().with("a", Box::new(first)).with("b", Box::new(second));
    let strict = portal(chain.clone());
    let presented = Presented::password("bob", "pw");
    let error = strict.login(&presented, &here(), &[MAILBOX], ()).unwrap_err();
    assert_eq!((error.kind(), error.backend()), (ErrorKind::Unavailable, "a"));

    let skipping = portal(chain.skipping_unavailable());
    drop(inside(password(&skipping, "bob", "pw")));
    // A wrong password and an unknown user are told the same.
    for presented in [Presented::password("bob", "no"), Presented::password("cid", "no")] {
        let error = skipping.login(&presented, &here(), &[MAILBOX], ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}

#[test]
fn a_realm_can_refuse_and_needs_an_interface() {
    let users = Users::passwords(&[("ann", "pw"), ("banned", "pw")]);
    let portal = portal(Chain::new().with("memory", Box::new(users)));
    let cause = refused(password(&portal, "banned", "pw")).cause;
    assert_eq!(cause, Cause::Realm("the quota is used up".into()));
    let other = [Interface("other")];
    let error = portal.login(&Presented::password("ann", "pw"), &here(), &other, ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(portal.realm().inside.load(Ordering::Relaxed), 0);
}

#[test]
fn s_08_acting_as_another_user_needs_a_grant() {
    let users = Users::passwords(&[("ann", "pw"), ("root", "pw")]);
    let portal = portal(Chain::new().with("memory", Box::new(users)));
    let as_user = |user: &str, other: &str| {
        login(&portal, &Presented::password(user, "pw").with("authzid", other))
    };
    assert_eq!(inside(as_user("ann", "ann")).avatar(), "mail of ann");
    let login = inside(as_user("root", "ann"));
    assert_eq!(login.avatar(), "mail of ann");
    assert_eq!(login.visitor().authenticated.as_ref().unwrap().as_str(), "root");
    for (user, other) in [("ann", "root"), ("root", "bob"), ("ann", "\n")] {
        assert_eq!(refused(as_user(user, other)).cause, Cause::MayNotActAs, "{user} {other:?}");
    }
}

#[test]
fn hashes_and_other_verifiers_serve_passwords() {
    use VerifierForm::*;
    let users = Users::storing(&[PasswordHash, ScramSha256, Ha1]);
    let hash = hash::make(hash::Scheme::Bcrypt, &"pw".into(), Some(4)).unwrap();
    users.set("ann", PasswordHash, hash.expose_str().unwrap());
    let scram = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    users.set("sam", ScramSha256, scram);
    users.set("Mufasa", Ha1, "MD5:testrealm@host.com:939e7578ed9e3c518a452acee763bce9");
    users.set("damaged", PasswordHash, "$2y$04$no");
    let portal = portal(Chain::new().with("store", Box::new(users)));
    for (user, secret) in [("ann", "pw"), ("sam", "pencil"), ("Mufasa", "Circle Of Life")] {
        drop(inside(password(&portal, user, secret)));
        assert_eq!(refused(password(&portal, user, "no")).cause, Cause::Denied(Denial::Secret));
    }
    let cause = refused(password(&portal, "damaged", "pw")).cause;
    assert_eq!(cause, Cause::Denied(Denial::Secret));
}

#[test]
fn tokens_and_certificates_find_their_user() {
    let users = Users::storing(&[VerifierForm::Token, VerifierForm::Certificate]);
    let token = fingerprint(b"opaque");
    // A checker without the user's name finds the fingerprint itself.
    users.set(token.expose_str().unwrap(), VerifierForm::Token, token.expose_str().unwrap());
    let certificate = fingerprint(b"DER");
    let mark = certificate.expose_str().unwrap();
    users.set("ann", VerifierForm::Certificate, mark);
    let portal = portal(Chain::new().with("store", Box::new(users)));
    let token =
        |text: &str| login(&portal, &Presented::new(PresentedKind::TOKEN).with("token", text));
    drop(inside(token("opaque")));
    assert_eq!(refused(token("other")).cause, Cause::UnknownUser);
    assert_eq!(refused(token("")).cause, Cause::UnknownUser);
    let certificate = |der: &str| {
        let presented = Presented::new(PresentedKind::CLIENT_CERTIFICATE).named("ann");
        login(&portal, &presented.with("certificate", der))
    };
    drop(inside(certificate("DER")));
    assert_eq!(refused(certificate("other")).cause, Cause::Denied(Denial::Secret));
}

#[test]
fn s_16_an_attacker_is_slowed_down_and_users_elsewhere_are_not() {
    let portal = portal(Chain::new().with("memory", Box::new(Users::passwords(&[("ann", "pw")]))));
    let mut refusal = None;
    for _ in 0..7 {
        refusal = Some(refused(password(&portal, "ann", "no")));
    }
    let refusal = refusal.unwrap();
    assert_eq!(refusal.cause, Cause::TooManyFailures);
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(1)));
    // Even the right password is refused here, so the attacker learns nothing.
    assert_eq!(refused(password(&portal, "ann", "pw")).cause, Cause::TooManyFailures);
    let elsewhere = keyward_core::Attempt::from_address("192.0.2.2");
    let presented = Presented::password("ann", "pw");
    drop(inside(portal.login(&presented, &elsewhere, &[MAILBOX], ()).unwrap()));
    // Other spellings of the name count as the same user.
    let spelled = Presented::password("a\u{308}nn", "no");
    for _ in 0..6 {
        let _ = portal.login(&spelled, &here(), &[MAILBOX], ()).unwrap();
    }
    let composed = Presented::password("\u{e4}nn", "no");
    let progress = portal.login(&composed, &here(), &[MAILBOX], ()).unwrap();
    assert_eq!(refused(progress).cause, Cause::TooManyFailures);
}

#[test]
fn a_cached_success_ends_with_the_verifier_and_belongs_to_its_checker() {
    let (first, second) = (
        Users::storing(&[VerifierForm::PasswordHash]),
        Users::storing(&[VerifierForm::PasswordHash]),
    );
    let make = |password: &str| {
        let hash = hash::make(hash::Scheme::Bcrypt, &password.into(), Some(4)).unwrap();
        hash.expose_str().unwrap().to_owned()
    };
    first.set("ann", VerifierForm::PasswordHash, &make("one"));
    let chain =
        Chain::new().with("store", Box::new(first.clone())).with("store", Box::new(second.clone()));
    let portal = portal(chain).with_cache(Duration::from_secs(60), 100).unwrap();
    for _ in 0..2 {
        drop(inside(password(&portal, "ann", "one")));
        refused(password(&portal, "ann", "two"));
    }
    first.set("ann", VerifierForm::PasswordHash, &make("two"));
    refused(password(&portal, "ann", "one"));
    drop(inside(password(&portal, "ann", "two")));
    second.set("bob", VerifierForm::PasswordHash, &make("two"));
    refused(password(&portal, "bob", "one"));
    drop(inside(password(&portal, "bob", "two")));
    first.disable("ann");
    let cause = refused(password(&portal, "ann", "two")).cause;
    assert_eq!(cause, Cause::Denied(Denial::Disabled));
}
