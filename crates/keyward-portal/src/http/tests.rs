//! The tests `tw_…` are those of Twisted's tests with these numbers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward_core::{Denial, ErrorKind, VerifierForm};
use keyward_testkit::TestHost;
use sha2::{Digest, Sha256};

use super::*;
use crate::Chain;
use crate::mechanisms::digest::DigestHash;
use crate::portal::tests::helpers::{MAILBOX, Mail, Users, here, host};

const ALL: &[Scheme] = &[Scheme::Digest, Scheme::Basic];

fn users() -> Users {
    Users::passwords(&[("ann", "open: sesame"), ("banned", "x"), ("J\u{e4}n", "\u{e9}")])
}

fn portal_of(chain: Chain, host: Arc<TestHost>) -> Portal<Mail> {
    let algorithms = [DigestHash::Sha256.into(), DigestHash::Md5.into()];
    let portal = Portal::new(Mail::default(), chain, host).unwrap().with_penalties(None);
    portal.with_digest("the \"office\"", &algorithms).unwrap()
}

fn portal_with(users: &Users) -> Portal<Mail> {
    portal_of(Chain::new().with("users", Box::new(users.clone())), host())
}

fn guard<'a>(portal: &'a Portal<Mail>, schemes: &[Scheme]) -> Guard<'a, Mail> {
    Guard::new(portal, &[MAILBOX], "a \"b\\c", schemes).unwrap()
}

fn get(guard: &Guard<'_, Mail>, header: &str) -> Outcome<String> {
    guard.enter(&Request::new("GET", "/a?b=c", [header.into()]), &here(), ())
}

#[track_caller]
fn entered(outcome: Outcome<String>) -> (Login<String>, Vec<(&'static str, Secret)>) {
    match outcome {
        Outcome::Entered { login, headers } => (login, headers),
        other => panic!("not in: {other:?}"),
    }
}

#[track_caller]
fn refused(outcome: Outcome<String>) -> (Response, Option<Cause>) {
    match outcome {
        Outcome::Refused { response, refusal } => (response, refusal.map(|it| it.cause)),
        other => panic!("not refused: {other:?}"),
    }
}

fn encoded(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

fn challenges(response: &Response) -> Vec<&str> {
    let headers = response.headers.iter().filter(|(name, _)| *name == "WWW-Authenticate");
    headers.map(|(_, value)| value.as_str()).collect()
}

/// The header of a client that answers the challenge of a response, which is for SHA-256.
fn digest_of(response: &Response, password: &str, target: &str, count: u32) -> String {
    let challenge = challenges(response)[0];
    assert!(challenge.contains("algorithm=SHA-256"));
    let (_, rest) = challenge.split_once("nonce=\"").unwrap();
    let nonce = rest.split('"').next().unwrap();
    let hash = |text: String| base16ct::lower::encode_string(&Sha256::digest(text));
    let a1 = hash(format!("ann:the \"office\":{password}"));
    let a2 = hash(format!("GET:{target}"));
    let answer = hash(format!("{a1}:{nonce}:{count:08x}:xyz:auth:{a2}"));
    format!(
        "Digest username=\"ann\", realm=\"the \\\"office\\\"\", nonce=\"{nonce}\", uri=\"{target}\", \
         algorithm=SHA-256, response=\"{answer}\", qop=auth, nc={count:08x}, cnonce=\"xyz\""
    )
}

fn unauthorized(guard: &Guard<'_, Mail>) -> Response {
    let (response, cause) = refused(guard.enter(&Request::new("GET", "/a?b=c", []), &here(), ()));
    assert_eq!((response.status, cause), (401, None));
    response
}

#[test]
fn tw_65_basic_is_decoded() {
    let users = users();
    let portal = portal_with(&users);
    let guard = guard(&portal, ALL);
    let right = encoded("ann:open: sesame");
    assert!(right.ends_with("=="));
    for header in [
        right.clone(),
        right.trim_end_matches('=').to_owned(),
        format!("{right}=="),
        right.replace("Basic", "bASIC"),
        right.replace("Basic ", "Basic   "),
        encoded("J\u{e4}n:\u{e9}"),
    ] {
        assert!(entered(get(&guard, &header)).1.is_empty(), "{header}");
    }
    for header in [
        "Basic",
        "Basic ",
        "Basic !",
        "Basic bm9jb2xvbg==",
        "Basic dTr//g==!",
        "Basic =",
        "Basic YQ",
    ] {
        let (response, cause) = refused(get(&guard, header));
        assert_eq!((response.status, cause), (401, Some(Cause::Malformed)), "{header}");
    }
}

/// The vectors of RFC 7617: what is valid is decoded, and no user has an empty name or password.
#[test]
fn basic_of_rfc_7617() {
    let text = include_str!("../../vectors/http_basic.json");
    let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
    for case in vectors["vectors"].as_array().unwrap() {
        let presented = basic(case["b64"].as_str().unwrap().as_bytes()).unwrap();
        assert_eq!(presented.user(), case["user"].as_str());
        let password = presented.field("password").unwrap();
        assert_eq!(password.expose_str(), case["password"].as_str());
    }
    let users = users();
    let portal = portal_with(&users);
    let guard = guard(&portal, ALL);
    let invalid = vectors["invalid"].as_array().unwrap().iter();
    for encoded in
        invalid.filter_map(|case| case["b64"].as_str()).chain(["Og==", "YW5uOg==", "OmFubg=="])
    {
        assert_eq!(refused(get(&guard, &format!("Basic {encoded}"))).0.status, 401, "{encoded}");
    }
}

#[test]
fn tw_66_67_a_response_has_each_challenge_in_order() {
    let users = users();
    let portal = portal_with(&users);
    let response = unauthorized(&guard(&portal, ALL));
    let found = challenges(&response);
    assert_eq!(found.len(), 3);
    assert!(found[0].starts_with(
        "Digest realm=\"the \\\"office\\\"\", qop=\"auth\", algorithm=SHA-256, nonce=\""
    ));
    assert!(found[1].contains("algorithm=MD5") && !found[1].contains("stale"));
    assert_eq!(found[2], "Basic realm=\"a \\\"b\\\\c\", charset=\"UTF-8\"");
    assert!(found.iter().all(|it| !it.contains('\n') && !it.contains("192.0.2.1")));
    assert_eq!(response.body, "Unauthorized\n");
    let reversed = guard(&portal, &[Scheme::Basic, Scheme::Digest]);
    assert!(challenges(&unauthorized(&reversed))[0].starts_with("Basic"));
    let head = reversed.enter(&Request::new("HEAD", "/", []), &here(), ());
    let (head, _) = refused(head);
    assert_eq!((head.status, head.body, challenges(&head).len()), (401, "", 3));
}

#[test]
fn tw_68_who_is_refused() {
    let users = users();
    users.set("off", VerifierForm::Plaintext, "open: sesame");
    users.disable("off");
    let portal = portal_with(&users);
    let guard = guard(&portal, ALL);
    let shape = |response: &Response| {
        let names = response.headers.iter().map(|(name, value)| (*name, value.len()));
        (response.status, response.body, names.collect::<Vec<_>>())
    };
    let expected = shape(&unauthorized(&guard));
    for (header, cause) in [
        (encoded("bob:open: sesame"), Cause::UnknownUser),
        (encoded("ann:wrong"), Cause::Denied(Denial::Secret)),
        (encoded("off:open: sesame"), Cause::Denied(Denial::Disabled)),
        (encoded("a\nb:x"), Cause::UnknownUser),
        ("Unknown abc".to_owned(), Cause::Malformed),
        ("Bearer abc".to_owned(), Cause::Malformed),
        ("Digest".to_owned(), Cause::Malformed),
        ("Digest username=\"ann\"".to_owned(), Cause::Malformed),
        (String::new(), Cause::Malformed),
        ("\u{0}".to_owned(), Cause::Malformed),
        (format!("Basic {}", "A".repeat(20_000)), Cause::Malformed),
    ] {
        let (response, found) = refused(get(&guard, &header));
        assert_eq!(shape(&response), expected, "{header}");
        assert_eq!(found, Some(cause), "{header}");
    }
    let twice = ["Basic YW5uOm9wZW46IHNlc2FtZQ=="; 2].map(Secret::from);
    assert_eq!(refused(guard.enter(&Request::new("GET", "/", twice), &here(), ())).0.status, 401);
}

#[test]
fn tw_69_who_knows_the_password_enters_any_target() {
    let users = users();
    let portal = portal_with(&users);
    let guard = guard(&portal, ALL);
    for target in ["/", "/child", "/child/leaf?x=y"] {
        let request = Request::new("GET", target, [encoded("ann:open: sesame").as_str().into()]);
        let (login, _) = entered(guard.enter(&request, &here(), ()));
        assert_eq!(login.avatar(), "mail of ann");
    }
}

/// A challenge depends on the request only where it must: on whether others can read it.
#[test]
fn tw_70_a_challenge_fits_the_request() {
    let users = users();
    let portal = portal_with(&users);
    let public = Attempt::from_address("192.0.2.1");
    let request = Request::new("GET", "/", [encoded("ann:open: sesame").as_str().into()]);
    let (response, cause) = refused(guard(&portal, ALL).enter(&request, &public, ()));
    assert_eq!(cause, Some(Cause::Malformed));
    assert!(challenges(&response).iter().all(|it| it.starts_with("Digest")));
    assert_eq!(users.lookups(), 0);
    let (response, _) = refused(guard(&portal, &[Scheme::Basic]).enter(&request, &public, ()));
    assert_eq!((response.status, challenges(&response).len()), (403, 0));
    let open = guard(&portal, &[Scheme::Basic]).allowing_readers();
    let _ = entered(open.enter(&request, &public, ()));
}

#[test]
fn tw_71_logout_when_the_login_is_dropped() {
    let users = users();
    let portal = portal_with(&users);
    let inside = || portal.realm().inside.load(Ordering::Relaxed);
    let outcome = get(&guard(&portal, ALL), &encoded("ann:open: sesame"));
    assert_eq!(inside(), 1);
    drop(outcome);
    assert_eq!(inside(), 0);
    let _ = refused(get(&guard(&portal, ALL), &encoded("ann:wrong")));
    assert_eq!(inside(), 0);
}

#[test]
fn tw_72_an_outage_is_no_refusal() {
    let users = users();
    users.go_down();
    let portal = portal_with(&users);
    for header in [encoded("ann:open: sesame"), encoded("bob:x")] {
        match get(&guard(&portal, ALL), &header) {
            Outcome::Failed { response, error } => {
                assert_eq!((response.status, challenges(&response).len()), (503, 0));
                assert!(error.message().contains("down") && !response.body.contains("down"));
            }
            other => panic!("{other:?}"),
        }
    }
    let error = Error::new(ErrorKind::Corrupt, "x");
    assert_eq!(Response::failed(&error).status, 500);
}

#[test]
fn tw_73_anonymous_clients() {
    #[derive(Debug)]
    struct Anybody;

    impl keyward_core::Checker for Anybody {
        fn accepts(&self) -> &[PresentedKind] {
            const KINDS: &[PresentedKind] = &[PresentedKind::ANONYMOUS];
            KINDS
        }

        fn check(&self, _: &Presented, _: &Attempt) -> Result<keyward_core::Round> {
            Ok(keyward_core::Round::Accepted { identity: None, last: None, until: None })
        }
    }

    let chain = Chain::new().with("users", Box::new(users())).with("anonymous", Box::new(Anybody));
    let portal = portal_of(chain, host());
    let guard = guard(&portal, ALL);
    let (login, _) = entered(guard.enter(&Request::new("GET", "/", []), &here(), ()));
    assert_eq!(login.visitor().identity, None);
    // Who presents something wrong is not let in as another client.
    assert_eq!(refused(get(&guard, &encoded("ann:wrong"))).0.status, 401);
}

#[test]
fn digest_from_challenge_to_proof() {
    let users = users();
    let portal = portal_with(&users);
    let guard = guard(&portal, ALL);
    let response = unauthorized(&guard);
    let header = digest_of(&response, "open: sesame", "/a?b=c", 1);
    let (login, headers) = entered(get(&guard, &header));
    assert_eq!(login.avatar(), "mail of ann");
    let [(name, info)] = headers.as_slice() else { panic!("{headers:?}") };
    assert_eq!(*name, "Authentication-Info");
    assert!(info.expose_str().unwrap().contains("rspauth=\""));
    let _ = entered(get(&guard, &digest_of(&response, "open: sesame", "/a?b=c", 2)));
    // The fault T6 of Twisted: a request that is sent twice. It can also be one that was overtaken.
    let (again, cause) = refused(get(&guard, &header));
    assert_eq!(cause, Some(Cause::Denied(Denial::Replayed)));
    assert!(challenges(&again)[0].contains("stale=true"));
    let (wrong, _) = refused(get(&guard, &digest_of(&response, "wrong", "/a?b=c", 3)));
    assert!(!challenges(&wrong)[0].contains("stale"));
    let other = digest_of(&response, "open: sesame", "/other", 4);
    assert_eq!(refused(get(&guard, &other)).0.status, 401);
}

#[test]
fn an_old_nonce_is_stale_whatever_the_password() {
    let host = host();
    let portal = portal_of(Chain::new().with("users", Box::new(users())), Arc::clone(&host));
    let guard = guard(&portal, ALL);
    let response = unauthorized(&guard);
    host.set_now(portal.now().after(std::time::Duration::from_secs(301)));
    for password in ["open: sesame", "wrong"] {
        let (old, _) = refused(get(&guard, &digest_of(&response, password, "/a?b=c", 1)));
        assert!(challenges(&old)[0].contains("stale=true"));
        let fresh = get(&guard, &digest_of(&old, password, "/a?b=c", 1));
        assert_eq!(matches!(fresh, Outcome::Entered { .. }), password != "wrong");
    }
}

#[test]
fn bearer_has_its_own_errors() {
    let users = Users::storing(&[VerifierForm::Token]);
    let mark = keyward_verifier::fingerprint(b"good-token");
    users.set(mark.expose_str().unwrap(), VerifierForm::Token, mark.expose_str().unwrap());
    let portal = portal_with(&users);
    let guard = guard(&portal, &[Scheme::Bearer]);
    assert_eq!(challenges(&unauthorized(&guard)), ["Bearer realm=\"a \\\"b\\\\c\""]);
    let _ = entered(get(&guard, "Bearer good-token"));
    for header in ["Bearer bad-token", "Bearer", "Bearer a b", "Bearer \u{e9}"] {
        let (response, _) = refused(get(&guard, header));
        assert_eq!(
            challenges(&response),
            ["Bearer realm=\"a \\\"b\\\\c\", error=\"invalid_token\""]
        );
    }
}

#[test]
fn the_realm_can_refuse() {
    let users = users();
    let portal = portal_with(&users);
    let (response, cause) = refused(get(&guard(&portal, ALL), &encoded("banned:x")));
    assert_eq!(response.status, 403);
    assert!(matches!(cause, Some(Cause::Realm(_))));
}

#[test]
fn a_client_that_fails_too_often_must_wait() {
    let chain = Chain::new().with("users", Box::new(users()));
    let portal = Portal::new(Mail::default(), chain, host()).unwrap();
    let guard = guard(&portal, &[Scheme::Basic]);
    let statuses: Vec<_> = (0..200).map(|_| refused(get(&guard, &encoded("ann:no"))).0).collect();
    let last = statuses.last().unwrap();
    assert_eq!((statuses[0].status, last.status), (401, 429));
    assert!(last.headers.iter().any(|(name, value)| *name == "Retry-After" && value != "0"));
}

#[test]
fn what_cannot_work_is_refused_at_the_start() {
    let portal = portal_with(&users());
    let made = |realm, schemes| Guard::new(&portal, &[MAILBOX], realm, schemes).map(|_| ());
    assert!(made("x", ALL).is_ok());
    assert!(made("a\nb", ALL).is_err());
    let error = made("x", &[Scheme::Bearer]).unwrap_err();
    assert!(error.message().contains("token") && error.message().contains("users"));
    let chain = Chain::new().with("users", Box::new(users()));
    let without = Portal::new(Mail::default(), chain, host()).unwrap();
    assert!(Guard::new(&without, &[MAILBOX], "x", &[Scheme::Digest]).is_err());
    let codes = Users::storing(&[VerifierForm::OneTimePassword]);
    let policy = crate::Expression::parse("password and one-time-password").unwrap();
    let chain = Chain::new()
        .with("users", Box::new(users()))
        .with("codes", Box::new(codes))
        .with_policy(policy);
    let strict = Portal::new(Mail::default(), chain, host()).unwrap();
    let error = Guard::new(&strict, &[MAILBOX], "x", &[Scheme::Basic]).map(|_| ()).unwrap_err();
    assert!(error.message().contains("Basic"));
}

proptest::proptest! {
    #[test]
    fn any_header_gets_an_answer(bytes in proptest::collection::vec(0_u8.., 0..60), text in "(basic|digest|bearer) {1,2}[a-zA-Z=+/\",]{0,30}") {
        let portal = portal_with(&Users::passwords(&[]));
        let guard = guard(&portal, ALL);
        for header in [Secret::new(bytes), Secret::from(text)] {
            let outcome = guard.enter(&Request::new("GET", "/", [header]), &here(), ());
            proptest::prop_assert_eq!(refused(outcome).0.status, 401);
        }
    }
}
