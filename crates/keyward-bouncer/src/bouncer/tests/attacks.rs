//! The attacks of `keycard_attacks.json`. Those that only the portal can stop are tested there too.

use super::*;

fn ask(bouncer: &Bouncer) -> SessionId {
    let presented = Presented::new(PresentedKind::CONVERSATION).named("ann");
    session(bouncer.authenticate(&presented, &request(), &web()).unwrap())
}

fn answer(bouncer: &Bouncer, session: &SessionId, from: &Attempt) -> Answer {
    let answer = Secret::from("42");
    bouncer.respond(session, Response::Answer(&answer), from, &web()).unwrap()
}

#[test]
fn replay_response_and_reuse_challenge() {
    let bouncer = Setting::new().copy();
    let session = ask(&bouncer);
    inside(answer(&bouncer, &session, &home()));
    assert_eq!(refused(answer(&bouncer, &session, &home())), Why::NotWaiting);
    // A wrong answer uses it up too.
    let session = ask(&bouncer);
    let wrong = Secret::from("41");
    let first = bouncer.respond(&session, Response::Answer(&wrong), &home(), &web()).unwrap();
    refused(first);
    assert_eq!(refused(answer(&bouncer, &session, &home())), Why::NotWaiting);
}

#[test]
fn swap_address() {
    let bouncer = Setting::new().copy();
    let session = ask(&bouncer);
    let elsewhere = Attempt::from_address("203.0.113.9").private();
    refused(answer(&bouncer, &session, &elsewhere));
}

#[test]
fn avatar_escalate() {
    let bouncer = Setting::new().copy();
    let presented = Presented::password("ann", "s3cret").with("authzid", "bob");
    let answer = bouncer.authenticate(&presented, &request(), &web()).unwrap();
    match answer {
        Answer::Refused(refused) => assert_eq!(refused.why, Why::Login(Cause::MayNotActAs)),
        answer => assert_eq!(inside(answer).identity.as_deref(), Some("ann")),
    }
}

#[test]
fn class_unknown_and_class_generic_and_anon() {
    let bouncer = Setting::new().copy();
    let unknown = Presented::new(PresentedKind::from_name("example.badge").unwrap());
    for presented in [unknown, Presented::anonymous()] {
        let answer = bouncer.authenticate(&presented, &request(), &web()).unwrap();
        assert_eq!(refused(answer), Why::Kind);
    }
    // The circumstances prove nothing where a policy wants a proof.
    let bouncer = Setting::new().copy_with(Some("users and office"));
    let nothing = Presented::circumstances(&home());
    let answer = bouncer.authenticate(&nothing, &request(), &web());
    assert!(!matches!(answer, Ok(Answer::Authenticated { .. })), "{answer:?}");
    assert!(!bouncer.kinds().contains(&PresentedKind::CIRCUMSTANCES));
    assert_eq!(bouncer.kinds().last(), Some(&PresentedKind::PASSWORD));
}

#[test]
fn brute_case() {
    let failures_until_refused = |names: &[&str]| {
        let bouncer = Setting::new().copy();
        let is_limited = |number: usize| {
            let presented = Presented::password(names[number % names.len()], "wrong");
            let answer = bouncer.authenticate(&presented, &request(), &web()).unwrap();
            refused(answer) == Why::Login(Cause::TooManyFailures)
        };
        (0..1000).position(is_limited).unwrap()
    };
    assert_eq!(failures_until_refused(&["ann", "ANN", "Ann"]), failures_until_refused(&["ann"]));
}

#[test]
fn parallel() {
    let setting = Setting::new();
    let (one, two) = (setting.copy(), setting.copy());
    let session = ask(&one);
    let let_in = thread::scope(|scope| {
        let threads: Vec<_> = (0..200)
            .map(|number| {
                let (bouncer, session) = (if number % 2 == 0 { &one } else { &two }, &session);
                scope.spawn(move || answer(bouncer, session, &home()))
            })
            .collect();
        let answers = threads.into_iter().map(|thread| thread.join().unwrap());
        answers.filter(|answer| matches!(answer, Answer::Authenticated { .. })).count()
    });
    assert_eq!(let_in, 1);
}

#[test]
fn fixation() {
    let bouncer = Setting::new().copy();
    let session = ask(&bouncer);
    let keycard = inside(answer(&bouncer, &session, &home()));
    assert_ne!(keycard.id.as_str(), session.expose());
    let made_up = SessionId::from_client("00000000000000000000000000000000");
    assert_eq!(refused(answer(&bouncer, &made_up, &home())), Why::NotWaiting);
}

#[test]
fn f_4_ids_are_random() {
    let ids: BTreeSet<_> = (0..10_000).map(|_| KeycardId::random().unwrap()).collect();
    assert_eq!(ids.len(), 10_000);
    assert!(KeycardId::parse("20150627-1").is_err());
}

#[test]
fn serialize_private() {
    let bouncer = Setting::new().copy();
    let keycard = log_in(&bouncer, "ann", &request());
    let shown = format!("{}{keycard:?}", serde_json::to_string(&keycard).unwrap());
    assert!(!shown.contains("s3cret"), "{shown}");
    let token = Presented::new(PresentedKind::CONVERSATION).named("ann").with("token", "t0ken");
    let session = session(bouncer.authenticate(&token, &request(), &web()).unwrap());
    let keycard = inside(answer(&bouncer, &session, &home()));
    let shown = format!("{}{keycard:?}{session:?}", serde_json::to_string(&keycard).unwrap());
    assert!(!shown.contains("t0ken") && !shown.contains("42\""), "{shown}");
    assert_eq!(keycard.token.unwrap().len(), 16);
}

#[test]
fn s_6_the_state_of_a_keycard_that_comes_in_is_ignored() {
    let bouncer = Setting::new().copy();
    let keycard = log_in(&bouncer, "ann", &request());
    let mut json = serde_json::to_value(&keycard).unwrap();
    assert_eq!(json["state"], "authenticated");
    json["identity"] = "root".into();
    let read: Keycard = serde_json::from_value(json).unwrap();
    assert_eq!(read.state, State::Refused);
    // Only the id of a keycard that comes back counts.
    let checked = bouncer.check(&read.id, &web(), &home()).unwrap().unwrap();
    assert_eq!(checked.identity.as_deref(), Some("ann"));
}

#[test]
fn clock_back() {
    let setting = Setting::new();
    let bouncer = setting.copy();
    let keycard = log_in(&bouncer, "ann", &request().with_ttl(seconds(60)));
    setting.set_time(60);
    assert!(!is_in(&bouncer, &keycard));
    setting.set_time(0);
    assert!(!is_in(&bouncer, &keycard));
    setting.host.set_now(Timestamp::from_unix(START - 3600));
    assert!(!is_in(&bouncer, &keycard));
}

#[test]
fn huge_fields() {
    let bouncer = Setting::new().copy();
    let huge = "a".repeat(1 << 20);
    let presented = Presented::password(&huge, "s3cret");
    let answer = bouncer.authenticate(&presented, &request(), &web()).unwrap();
    assert_eq!(refused(answer), Why::TooLarge);
    let asked = Request::new(home().with_detail("path", &huge));
    let presented = Presented::password("ann", "s3cret");
    let answer = bouncer.authenticate(&presented, &asked, &web()).unwrap();
    assert_eq!(refused(answer), Why::TooLarge);
    let session = ask(&bouncer);
    let response = Secret::from(huge);
    let answer = bouncer.respond(&session, Response::Answer(&response), &home(), &web()).unwrap();
    refused(answer);
    assert!(KeycardId::parse(&"a".repeat(1 << 20)).is_err());
}
