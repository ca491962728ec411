//! Logins of several rounds.

use super::*;

fn ask(bouncer: &Bouncer, request: &Request) -> SessionId {
    let presented = Presented::new(PresentedKind::CONVERSATION).named("ann");
    session(bouncer.authenticate(&presented, request, &web()).unwrap())
}

fn answer(bouncer: &Bouncer, session: &SessionId, from: &Attempt) -> Answer {
    let answer = Secret::from("42");
    bouncer.respond(session, Response::Answer(&answer), from, &web()).unwrap()
}

#[test]
fn f_2_what_was_said_first_counts() {
    let setting = Setting::new();
    let bouncer = setting.copy();
    let first = home().with_detail("path", "/first");
    let asked = Request::new(first).with_ttl(seconds(60)).issued_by("a").with_domain("site");
    let session = ask(&bouncer, &asked);
    let later = home().with_detail("path", "/later");
    let keycard = inside(answer(&bouncer, &session, &later));
    assert_eq!(keycard.identity.as_deref(), Some("ann"));
    assert_eq!(keycard.expires, START + 60);
    assert_eq!((keycard.issuer.as_deref(), keycard.domain.as_deref()), (Some("a"), Some("site")));
    assert_eq!(keycard.details["path"], "/first");
    assert!(is_in(&bouncer, &keycard));
}

#[test]
fn f_4_another_requester_can_neither_use_nor_cancel_a_login_that_waits() {
    let setting = Setting::new();
    let bouncer = setting.copy();
    let session = ask(&bouncer, &request());
    let right = Secret::from("42");
    let response = Response::Answer(&right);
    let other = bouncer.respond(&session, response, &home(), &RequesterId::new("other")).unwrap();
    assert_eq!(refused(other), Why::NotWaiting);
    let keycard = inside(answer(&bouncer, &session, &home()));
    let other = RequesterId::new("other");
    assert!(bouncer.check(&keycard.id, &other, &home()).unwrap().is_none());
}

#[test]
fn a_login_that_waits_goes_on_at_another_copy_and_expires() {
    let setting = Setting::new();
    let (one, two) = (setting.copy(), setting.copy());
    let session = ask(&one, &request());
    assert!(is_in(&one, &inside(answer(&two, &session, &home()))));
    let session = ask(&one, &request());
    setting.set_time(301);
    assert_eq!(refused(answer(&two, &session, &home())), Why::Login(Cause::NoSession));
}

#[test]
fn conditions_hold_at_the_end_of_the_rounds() {
    let setting = Setting::new();
    let bouncer = setting.copy_with(Some("users and office"));
    let session = ask(&bouncer, &request());
    setting.doors.open.store(false, Ordering::Relaxed);
    let why = refused(answer(&bouncer, &session, &home()));
    assert_eq!(why, Why::Login(Cause::Denied(Denial::Restricted)));
}

#[test]
fn a_missing_factor_is_named_and_can_follow() {
    let setting = Setting::new();
    let bouncer = setting.copy_with(Some("conversation and password"));
    let presented = Presented::password("ann", "s3cret");
    let answered = bouncer.authenticate(&presented, &request(), &web()).unwrap();
    let Answer::Requesting { session, missing, .. } = answered else { panic!("{answered:?}") };
    assert_eq!(missing, ["conversation"]);
    let conversation = Presented::new(PresentedKind::CONVERSATION).named("ann");
    let next = bouncer.respond(&session, Response::Factor(&conversation), &home(), &web());
    let next = super::session(next.unwrap());
    let keycard = inside(answer(&bouncer, &next, &home()));
    let factors: BTreeSet<_> = keycard.factors.iter().map(String::as_str).collect();
    assert!(factors.is_superset(&["conversation", "password"].into()));
}
