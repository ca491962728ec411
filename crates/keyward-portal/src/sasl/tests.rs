use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use keyward_core::{Denial, PresentedKind, VerifierForm};
use keyward_verifier::scram::Algorithm;
use md5::Digest;

use super::*;
use crate::Chain;
use crate::portal::tests::helpers::{MAILBOX, Mail, Users, here, portal as portal_of};

fn users() -> Users {
    Users::passwords(&[("ann", "open sesame"), ("root", "toor")])
}

fn portal_with(users: &Users) -> Portal<Mail> {
    portal_of(Chain::new().with("users", Box::new(users.clone())).with_legacy())
        .with_penalties(None)
}

fn names(sasl: &Sasl<'_, Mail>) -> Vec<&'static str> {
    sasl.mechanisms().map(Mechanism::name).collect()
}

fn start<'s>(sasl: &'s Sasl<'_, Mail>, mechanism: &str, initial: &str) -> Step<'s, Mail> {
    sasl.start(mechanism, Some(&initial.into()), ()).unwrap()
}

#[track_caller]
fn asked<'s>(step: Step<'s, Mail>, expected: Option<&str>) -> (Secret, Exchange<'s, Mail>) {
    let Step::Challenge { message, exchange } = step else { panic!("{step:?}") };
    if expected.is_some() {
        assert_eq!(message.expose_str(), expected);
    }
    (message, exchange)
}

#[track_caller]
fn avatar(step: Step<'_, Mail>) -> String {
    let Step::Success { login, .. } = step else { panic!("{step:?}") };
    login.avatar().clone()
}

#[track_caller]
fn cause(step: Step<'_, Mail>) -> Cause {
    let Step::Refused(refusal) = step else { panic!("{step:?}") };
    refusal.cause
}

fn answer<'s>(exchange: Exchange<'s, Mail>, text: &str) -> Step<'s, Mail> {
    exchange.answer(&text.into(), ()).unwrap()
}

/// A client's last message of SCRAM-SHA-256, for these messages.
fn scram_client(header: &[u8], bare: &str, server_first: &str, password: &str) -> String {
    let part = |name: &str| server_first.split(',').find_map(|it| it.strip_prefix(name)).unwrap();
    let salt = STANDARD.decode(part("s=")).unwrap();
    let iterations = part("i=").parse().unwrap();
    let algorithm = Algorithm::Sha256;
    let salted = algorithm.salted_password(&password.into(), &salt, iterations);
    let key = algorithm.hmac(&salted, b"Client Key");
    let without_proof = format!("c={},r={}", STANDARD.encode(header), part("r="));
    let signed = format!("{bare},{server_first},{without_proof}");
    let signature = algorithm.hmac(&algorithm.hash(&key), signed.as_bytes());
    let proof: Vec<u8> =
        key.expose().iter().zip(signature.expose()).map(|(key, byte)| key ^ byte).collect();
    format!("{without_proof},p={}", STANDARD.encode(proof))
}

#[test]
fn what_is_offered_depends_on_the_connection() {
    let portal = portal_with(&users());
    let public = Attempt::from_address("192.0.2.1");
    let plain = Sasl::new(&portal, &[MAILBOX], public.clone());
    assert_eq!(names(&plain), ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"]);
    let private = Sasl::new(&portal, &[MAILBOX], here());
    assert_eq!(names(&private), ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5"]);
    let bound = private.with_channel_binding(Secret::new(vec![7; 32]));
    assert_eq!(names(&bound)[..3], ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256"]);
    let strict = bound.requiring_channel_binding();
    assert_eq!(names(&strict), ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"]);
    assert_eq!(cause(start(&strict, "PLAIN", "\0ann\0open sesame")), Cause::NotServed);
    assert_eq!(cause(start(&plain, "PLAIN", "\0ann\0open sesame")), Cause::NotServed);
    assert_eq!(cause(start(&plain, "NTLM", "")), Cause::NotServed);
    let modern = portal_of(Chain::new().with("users", Box::new(users())));
    let modern = Sasl::new(&modern, &[MAILBOX], public);
    assert_eq!(names(&modern), ["SCRAM-SHA-256", "SCRAM-SHA-1"]);
}

#[test]
fn a_policy_with_two_factors_offers_nothing() {
    let chain = Chain::new()
        .with("users", Box::new(users()))
        .with("codes", Box::new(Users::storing(&[VerifierForm::OneTimePassword])))
        .with_policy(crate::Expression::parse("users and codes").unwrap());
    let portal = portal_of(chain);
    let sasl = Sasl::new(&portal, &[MAILBOX], here());
    assert!(names(&sasl).is_empty());
    assert_eq!(cause(start(&sasl, "PLAIN", "\0ann\0open sesame")), Cause::NotServed);
}

#[test]
fn plain() {
    let portal = portal_with(&users());
    let sasl = Sasl::new(&portal, &[MAILBOX], here());
    assert_eq!(avatar(start(&sasl, "plain", "\0ann\0open sesame")), "mail of ann");
    let (_, exchange) = asked(sasl.start("PLAIN", None, ()).unwrap(), Some(""));
    assert_eq!(avatar(answer(exchange, "ann\0ann\0open sesame")), "mail of ann");
    assert_eq!(cause(start(&sasl, "PLAIN", "\0ann\0wrong")), Cause::Denied(Denial::Secret));
    assert_eq!(cause(start(&sasl, "PLAIN", "\0bob\0wrong")), Cause::UnknownUser);
    let long = format!("\0ann\0{}", "x".repeat(20_000));
    for message in ["", "\0", "\0\0open sesame", "ann\0open sesame", "\0ann\0open sesame\0", &long]
    {
        assert_eq!(cause(start(&sasl, "PLAIN", message)), Cause::Malformed, "{message:?}");
    }
    assert_eq!(cause(start(&sasl, "PLAIN", "\0a\nn\0x")), Cause::UnknownUser);
    assert_eq!(cause(start(&sasl, "PLAIN", "\0ann\0")), Cause::Denied(Denial::Secret));
    let bytes = Secret::new(b"\0\xff\0x".to_vec());
    assert_eq!(cause(sasl.start("PLAIN", Some(&bytes), ()).unwrap()), Cause::Malformed);
}

/// The fault T18 of Twisted: whom a client wants to act as was ignored.
#[test]
fn acting_as_somebody_else_needs_a_grant() {
    let portal = portal_with(&users());
    let sasl = Sasl::new(&portal, &[MAILBOX], here());
    assert_eq!(avatar(start(&sasl, "PLAIN", "ann\0root\0toor")), "mail of ann");
    assert_eq!(cause(start(&sasl, "PLAIN", "root\0ann\0open sesame")), Cause::MayNotActAs);
    let bare = "n=root,r=client";
    for (wanted, expected) in [("ann", Ok("mail of ann")), ("bob", Err(Cause::MayNotActAs))] {
        let header = format!("n,a={wanted},");
        let (message, exchange) =
            asked(start(&sasl, "SCRAM-SHA-256", &format!("{header}{bare}")), None);
        let last = scram_client(header.as_bytes(), bare, message.expose_str().unwrap(), "toor");
        match (answer(exchange, &last), expected) {
            (step @ Step::Challenge { .. }, Ok(name)) => {
                assert_eq!(avatar(answer(asked(step, None).1, "")), name);
            }
            (step, expected) => assert_eq!(Err(cause(step)), expected),
        }
    }
}

#[test]
fn login() {
    let portal = portal_with(&users());
    let sasl = Sasl::new(&portal, &[MAILBOX], here());
    let (_, exchange) = asked(sasl.start("LOGIN", None, ()).unwrap(), Some("Username:"));
    let (_, exchange) = asked(answer(exchange, "ann"), Some("Password:"));
    assert_eq!(avatar(answer(exchange, "open sesame")), "mail of ann");
    let (_, exchange) = asked(start(&sasl, "LOGIN", "ann"), Some("Password:"));
    assert_eq!(cause(answer(exchange, "wrong")), Cause::Denied(Denial::Secret));
    assert_eq!(cause(start(&sasl, "LOGIN", "")), Cause::Malformed);
}

#[test]
fn cram_md5() {
    let portal = portal_with(&users());
    let sasl = Sasl::new(&portal, &[MAILBOX], here());
    let response = |challenge: &Secret, password: &str| {
        let mut mac = Hmac::<md5::Md5>::new_from_slice(password.as_bytes()).unwrap();
        mac.update(challenge.expose());
        base16ct::lower::encode_string(&mac.finalize().into_bytes())
    };
    let begin = || asked(sasl.start("CRAM-MD5", None, ()).unwrap(), None);
    let (message, exchange) = begin();
    assert!(message.expose().starts_with(b"<"));
    assert_eq!(
        avatar(answer(exchange, &format!("ann {}", response(&message, "open sesame")))),
        "mail of ann"
    );
    let (message, exchange) = begin();
    assert_eq!(
        cause(answer(exchange, &format!("ann {}", response(&message, "wrong")))),
        Cause::Denied(Denial::Secret)
    );
    let (message, exchange) = begin();
    assert_eq!(
        cause(answer(exchange, &format!("bob {}", response(&message, "wrong")))),
        Cause::UnknownUser
    );
    assert_eq!(cause(answer(begin().1, "ann")), Cause::Malformed);
    assert_eq!(cause(start(&sasl, "CRAM-MD5", "ann")), Cause::Malformed);
}

#[test]
fn an_exchange_goes_on_after_a_pause() {
    let portal = portal_with(&users());
    let sasl = Sasl::new(&portal, &[MAILBOX], here());
    let (_, exchange) = asked(start(&sasl, "LOGIN", "ann"), Some("Password:"));
    let paused = exchange.pause();
    assert!(!format!("{paused:?}").contains("ann"));
    let same = Sasl::new(&portal, &[MAILBOX], here());
    assert_eq!(avatar(answer(same.resume(paused), "open sesame")), "mail of ann");
}

#[test]
fn a_challenge_of_another_server_can_be_answered() {
    let portal = portal_with(&users());
    let challenge = Secret::from("<1.2@proxy.example>");
    let check = |kind, answer: String| {
        portal.check_answer(kind, &challenge, &answer.into(), &here(), &[MAILBOX], ())
    };
    let digest = |password: &str| {
        let sum = md5::Md5::digest(format!("<1.2@proxy.example>{password}"));
        base16ct::lower::encode_string(&sum)
    };
    let apop = |user: &str, password: &str| match check(
        &PresentedKind::APOP,
        format!("{user} {}", digest(password)),
    )
    .unwrap()
    {
        Progress::LoggedIn(login) => Ok(login.avatar().clone()),
        Progress::Refused(refusal) => Err(refusal.cause),
        Progress::Challenge(challenge) => panic!("{challenge:?}"),
    };
    assert_eq!(apop("ann", "open sesame"), Ok("mail of ann".into()));
    assert_eq!(apop("ann", "wrong"), Err(Cause::Denied(Denial::Secret)));
    assert_eq!(apop("bob", "open sesame"), Err(Cause::UnknownUser));
    assert!(check(&PresentedKind::PASSWORD, "ann 00".into()).is_err());
    let modern = portal_of(Chain::new().with("users", Box::new(users())));
    let answer = Secret::from(format!("ann {}", digest("open sesame")));
    let kind = &PresentedKind::APOP;
    assert!(modern.check_answer(kind, &challenge, &answer, &here(), &[MAILBOX], ()).is_err());
}

#[test]
fn scram_with_and_without_binding() {
    let portal = portal_with(&users());
    let data = Secret::new(vec![7; 32]);
    for is_bound in [false, true] {
        let sasl = Sasl::new(&portal, &[MAILBOX], here());
        let sasl = if is_bound { sasl.with_channel_binding(data.clone()) } else { sasl };
        let name = if is_bound { "SCRAM-SHA-256-PLUS" } else { "SCRAM-SHA-256" };
        let header = if is_bound { "p=tls-exporter,," } else { "n,," };
        let bound =
            if is_bound { [header.as_bytes(), data.expose()].concat() } else { header.into() };
        for (user, password, is_right) in
            [("ann", "open sesame", true), ("ann", "wrong", false), ("bob", "open sesame", false)]
        {
            let bare = format!("n={user},r=client");
            let (message, exchange) = asked(start(&sasl, name, &format!("{header}{bare}")), None);
            let server_first = message.expose_str().unwrap();
            assert_eq!(server_first.len(), "r=client,s=,i=4096".len() + 24 + 24);
            let last = scram_client(&bound, &bare, server_first, password);
            let step = answer(exchange, &last);
            if is_right {
                let (signature, exchange) = asked(step, None);
                assert!(signature.expose().starts_with(b"v="));
                assert_eq!(avatar(answer(exchange, "")), "mail of ann");
            } else {
                let Step::Refused(refusal) = step else { panic!("{step:?}") };
                assert_eq!(refusal.last, Some("e=invalid-proof".into()));
            }
        }
    }
}

#[test]
fn a_client_that_was_kept_from_binding_is_refused() {
    let portal = portal_with(&users());
    let sasl =
        Sasl::new(&portal, &[MAILBOX], here()).with_channel_binding(Secret::new(vec![7; 32]));
    for (mechanism, message) in [
        ("SCRAM-SHA-256", "y,,n=ann,r=client"),
        ("SCRAM-SHA-256", "p=tls-exporter,,n=ann,r=client"),
        ("SCRAM-SHA-256-PLUS", "n,,n=ann,r=client"),
        ("SCRAM-SHA-256-PLUS", "y,,n=ann,r=client"),
        ("SCRAM-SHA-256-PLUS", "p=tls-unique,,n=ann,r=client"),
    ] {
        assert_eq!(cause(start(&sasl, mechanism, message)), Cause::Malformed, "{message}");
    }
    asked(start(&sasl, "SCRAM-SHA-256", "n,,n=ann,r=client"), None);
}

#[test]
fn the_last_message_can_come_with_the_success() {
    let portal = portal_with(&users());
    let sasl = Sasl::new(&portal, &[MAILBOX], here()).sending_data_with_success();
    let bare = "n=ann,r=client";
    let (message, exchange) = asked(start(&sasl, "SCRAM-SHA-256", &format!("n,,{bare}")), None);
    let last = scram_client(b"n,,", bare, message.expose_str().unwrap(), "open sesame");
    let Step::Success { data, .. } = answer(exchange, &last) else { panic!() };
    assert!(data.unwrap().expose().starts_with(b"v="));
}

#[test]
fn who_answers_the_last_message_is_refused_and_logged_out() {
    let portal = portal_with(&users());
    let sasl = Sasl::new(&portal, &[MAILBOX], here());
    let bare = "n=ann,r=client";
    let (message, exchange) = asked(start(&sasl, "SCRAM-SHA-256", &format!("n,,{bare}")), None);
    let last = scram_client(b"n,,", bare, message.expose_str().unwrap(), "open sesame");
    let (_, exchange) = asked(answer(exchange, &last), None);
    let inside = || portal.realm().inside.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(inside(), 1);
    assert_eq!(cause(answer(exchange, "x")), Cause::Malformed);
    assert_eq!(inside(), 0);
}

#[test]
fn certificates_and_tokens() {
    let users = Users::storing(&[VerifierForm::Token, VerifierForm::Certificate]);
    for (form, bytes) in [(VerifierForm::Token, "token-1"), (VerifierForm::Certificate, "der")] {
        let mark = keyward_verifier::fingerprint(bytes.as_bytes());
        let mark = mark.expose_str().unwrap().to_owned();
        users.set(&mark, form, &mark);
    }
    let portal = portal_with(&users);
    let sasl = Sasl::new(&portal, &[MAILBOX], here());
    assert_eq!(names(&sasl), ["OAUTHBEARER"]);
    let (right, wrong) =
        ("n,,\u{1}auth=Bearer token-1\u{1}\u{1}", "n,,\u{1}auth=Bearer other\u{1}\u{1}");
    assert!(avatar(start(&sasl, "OAUTHBEARER", right)).starts_with("mail of "));
    let (_, exchange) = asked(start(&sasl, "OAUTHBEARER", wrong), Some(messages::INVALID_TOKEN));
    assert_eq!(cause(answer(exchange, "\u{1}")), Cause::UnknownUser);
    for message in [
        "",
        "n,,",
        "n,,\u{1}\u{1}",
        "n,,\u{1}auth=Basic x\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \u{1}\u{1}",
        "n,x,\u{1}auth=Bearer a\u{1}\u{1}",
        "n,,\u{1}auth=Bearer a\u{1}auth=Bearer a\u{1}\u{1}",
        "n,,\u{1}auth=Bearer a\u{1}",
    ] {
        assert_eq!(cause(start(&sasl, "OAUTHBEARER", message)), Cause::Malformed, "{message:?}");
    }
    let other = Sasl::new(&portal, &[MAILBOX], here()).with_certificate("other".into());
    assert_eq!(cause(start(&other, "EXTERNAL", "")), Cause::UnknownUser);
    let sasl = sasl.with_certificate("der".into());
    assert_eq!(names(&sasl), ["EXTERNAL", "OAUTHBEARER"]);
    assert!(avatar(start(&sasl, "EXTERNAL", "")).starts_with("mail of "));
    assert_eq!(cause(start(&sasl, "EXTERNAL", "root")), Cause::MayNotActAs);
    assert_eq!(cause(start(&sasl, "EXTERNAL", "a\0b")), Cause::Malformed);
}

proptest::proptest! {
    #[test]
    fn any_message_gets_an_answer(bytes in proptest::collection::vec(0_u8.., 0..60)) {
        let portal = portal_with(&Users::passwords(&[]));
        let sasl = Sasl::new(&portal, &[MAILBOX], here());
        let message = Secret::new(bytes);
        for mechanism in Mechanism::ALL {
            let mut step = sasl.start(mechanism.name(), None, ()).unwrap();
            for _ in 0..3 {
                if let Step::Challenge { exchange, .. } = step {
                    step = exchange.answer(&message, ()).unwrap();
                }
            }
            proptest::prop_assert!(matches!(step, Step::Refused(_)));
        }
    }
}
