//! Conditions in policies: addresses, times and paths beside passwords.

use std::sync::atomic::{AtomicUsize, Ordering};

use keyward_core::Timestamp;

use super::helpers::*;
use crate::*;
use keyward_core::{
    Attempt, Checker, Denial, Error, ErrorKind, Presented, PresentedKind, Result, Round, Secret,
};

/// A condition that a test turns on and off by the path of the request: it holds if the path contains
/// its word, and until the number after it.
#[derive(Debug)]
struct InPath(&'static str, &'static AtomicUsize);

impl Checker for InPath {
    fn accepts(&self) -> &[PresentedKind] {
        const KINDS: &[PresentedKind] = &[PresentedKind::CIRCUMSTANCES];
        KINDS
    }

    fn check(&self, presented: &Presented, _: &Attempt) -> Result<Round> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let path = presented.field("path").and_then(Secret::expose_str).unwrap_or_default();
        if path.contains("down") {
            return Err(Error::new(ErrorKind::Unavailable, "check"));
        }
        let until = path.split('/').find_map(|part| part.strip_prefix(self.0));
        Ok(match until {
            Some(until) => Round::Accepted {
                identity: None,
                last: None,
                until: until.parse().ok().map(Timestamp::from_unix),
            },
            None => Round::wrong(Denial::Restricted),
        })
    }
}

static ASKED: AtomicUsize = AtomicUsize::new(0);

fn portal_with(policy: &str) -> Portal<Mail> {
    let chain = Chain::new()
        .with("users", Box::new(Users::passwords(&[("ann", "s3cret")])))
        .with("riddle", Box::new(Riddle))
        .with("day", Box::new(InPath("day", &ASKED)))
        .with("office", Box::new(InPath("office", &ASKED)))
        .with_policy(Expression::parse(policy).unwrap());
    portal(chain)
}

fn to(path: &str) -> Attempt {
    here().with_detail("path", path)
}

fn password_to(portal: &Portal<Mail>, path: &str) -> Progress<String> {
    let presented = Presented::password("ann", "s3cret");
    portal.login(&presented, &to(path), &[MAILBOX], ()).unwrap()
}

fn nothing_to(portal: &Portal<Mail>, path: &str) -> Result<Progress<String>> {
    let attempt = to(path);
    portal.login(&Presented::circumstances(&attempt), &attempt, &[MAILBOX], ())
}

#[test]
fn a_password_counts_only_where_the_condition_holds() {
    let portal = portal_with("password and office");
    let login = inside(password_to(&portal, "/office"));
    assert_eq!(login.visitor().identity.as_ref().unwrap().as_str(), "ann");
    assert_eq!(login.visitor().until, None);
    let restricted = Cause::Denied(Denial::Restricted);
    assert_eq!(refused(password_to(&portal, "/")).cause, restricted);
    assert_eq!(refused(nothing_to(&portal, "/office").unwrap()).cause, restricted);
}

#[test]
fn conditions_alone_let_in_without_a_name() {
    let portal = portal_with("password or (office and not day)");
    let login = inside(nothing_to(&portal, "/office").unwrap());
    assert_eq!(login.visitor().identity, None);
    refused(nothing_to(&portal, "/office/day").unwrap());
    refused(nothing_to(&portal, "/").unwrap());
    let unavailable = nothing_to(&portal, "/down").unwrap_err();
    assert_eq!(unavailable.kind(), ErrorKind::Unavailable);
}

#[test]
fn fl_41_only_conditions_can_be_denied() {
    for policy in ["not password", "office and not users", "not (office and users)"] {
        let chain = Chain::new()
            .with("users", Box::new(Users::passwords(&[("ann", "s3cret")])))
            .with("office", Box::new(InPath("office", &ASKED)))
            .with_policy(Expression::parse(policy).unwrap());
        let error = Portal::new(Mail::default(), chain, host()).unwrap_err();
        assert!(error.message().contains("`not` can only be before conditions"), "{error}");
    }
}

#[test]
fn a_condition_beside_others_needs_a_policy() {
    let chain = Chain::new()
        .with("users", Box::new(Users::passwords(&[("ann", "s3cret")])))
        .with("office", Box::new(InPath("office", &ASKED)));
    let error = Portal::new(Mail::default(), chain, host()).unwrap_err();
    assert!(error.message().contains("office is a condition"), "{error}");
    let alone = portal(Chain::new().with("office", Box::new(InPath("office", &ASKED))));
    drop(inside(nothing_to(&alone, "/office").unwrap()));
    refused(nothing_to(&alone, "/").unwrap());
}

#[test]
fn the_end_is_that_of_what_holds_longest() {
    let until = |policy, path| inside(password_to(&portal_with(policy), path)).visitor().until;
    let at = |seconds| Some(Timestamp::from_unix(seconds));
    assert_eq!(until("password and day", "/day1800000000"), at(1_800_000_000));
    assert_eq!(
        until("password and day and office", "/day1800000000/office1900000000"),
        at(1_800_000_000)
    );
    assert_eq!(
        until("password and (day or office)", "/day1800000000/office1900000000"),
        at(1_900_000_000)
    );
    assert_eq!(until("password and (day or office)", "/day1800000000/office"), None);
    assert_eq!(until("password or day", "/day1800000000"), None);
}

#[test]
fn each_condition_is_asked_once() {
    static ONCE: AtomicUsize = AtomicUsize::new(0);
    let policy =
        Expression::parse("(password and office) or (users and office) or (office and riddle)");
    let chain = Chain::new()
        .with("users", Box::new(Users::passwords(&[("ann", "s3cret")])))
        .with("riddle", Box::new(Riddle))
        .with("office", Box::new(InPath("office", &ONCE)))
        .with_policy(policy.unwrap());
    refused(password_to(&portal(chain), "/"));
    assert_eq!(ONCE.load(Ordering::Relaxed), 1);
}

#[test]
fn conditions_are_asked_after_each_round_and_factor() {
    let portal = portal_with("conversation and (password or office)");
    let start = |path: &str| {
        let presented = Presented::new(PresentedKind::CONVERSATION).named("ann");
        challenge(portal.login(&presented, &to(path), &[MAILBOX], ()).unwrap())
    };
    let answer = Secret::from("42");
    let step = |path: &str| {
        let asked = start(path);
        portal.step(&asked.session, &answer, &to(path), &[MAILBOX], ()).unwrap()
    };
    drop(inside(step("/office")));
    let missing = challenge(step("/"));
    assert_eq!(missing.missing, ["password"]);
    let presented = Presented::password("ann", "s3cret");
    let added = portal.add_factor(&missing.session, &presented, &to("/"), &[MAILBOX], ());
    drop(inside(added.unwrap()));
}

#[test]
fn what_was_proved_is_enough_as_long_as_the_conditions_hold() {
    let portal = portal_with("password and office");
    let login = inside(password_to(&portal, "/office"));
    let factors = &login.visitor().factors;
    let still = |path, until| portal.still_holds(factors, until, &to(path)).unwrap().holds;
    assert!(still("/office", None));
    assert!(!still("/", None), "the condition is over");
    assert!(!still("/office", Some(Timestamp::from_unix(1))), "the time is over");
    assert!(portal.still_holds(factors, None, &to("/down")).is_err());
    assert!(!portal.still_holds(&[], None, &to("/office")).unwrap().holds, "nothing was proved");
}
