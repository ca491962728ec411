//! Tests with a server in this process, for what a real one does not do: it changes its keys, fails,
//! and lies. `tests/oidc.rs` uses a real one.

mod fuzzed;
mod server;

use keyward_plugin::{Denial, ErrorKind, Identity, Timestamp, Value, Values};
use keyward_testkit::{Client as Named, Scratch, TestHost};
use serde_json::json;

use super::*;
use server::{NOW, Server, Signer};

fn options() -> Options {
    Options {
        issuer: None,
        audience: vec!["api".into()],
        any_audience: false,
        claim: "sub".into(),
        introspection: None,
        client_id: None,
        client_secret: None,
        cache: Duration::ZERO,
        timeout: Duration::from_secs(10),
    }
}

fn open(host: &Arc<TestHost>, change: impl FnOnce(&mut Options)) -> Result<OAuth> {
    let mut all = options();
    change(&mut all);
    let host: Arc<dyn Host> = Arc::<TestHost>::clone(host);
    OAuth::open(all, &host)
}

fn verifying(host: &Arc<TestHost>, server: &Server) -> OAuth {
    open(host, |options| options.issuer = Some(server.url.clone())).unwrap()
}

fn asking(host: &Arc<TestHost>, server: &Server, cache: u64) -> OAuth {
    let ask = |options: &mut Options| {
        options.introspection = Some(format!("{}/introspect", server.url));
        options.client_id = Some("a:b c".into());
        options.client_secret = Some(SecretRef { from: "test".into(), options: Values::new() });
        options.cache = Duration::from_secs(cache);
    };
    open(host, ask).unwrap()
}

fn present(checker: &OAuth, token: &str) -> Result<Round> {
    let presented = Presented::new(PresentedKind::TOKEN).with("token", token);
    checker.check(&presented, &Attempt::default())
}

fn accepted(user: &str) -> Round {
    Round::accepted(Identity::new(user).unwrap())
}

const WRONG: Round = Round::Wrong { why: Denial::Secret, last: None };

mod suite {
    use super::*;

    fn prepare(scratch: &Scratch) -> Values {
        let server = Server::start(&[&Signer::new(1, "one")]);
        scratch.file("url", server.url.as_bytes());
        let values = Values::new()
            .with("issuer", Value::Text(server.url.clone()))
            .with("audience", Value::List(vec!["api".into()]));
        // It runs until the test ends.
        std::mem::forget(server);
        values
    }

    fn token(scratch: &Scratch, user: &str) -> Presented {
        let url = std::fs::read_to_string(scratch.path("url")).unwrap();
        let claims = json!({"iss": url, "aud": "api", "sub": user, "exp": NOW + 600});
        Presented::new(PresentedKind::TOKEN).with("token", Signer::new(1, "one").sign(&claims))
    }

    fn expired(scratch: &Scratch) -> Presented {
        let url = std::fs::read_to_string(scratch.path("url")).unwrap();
        let claims = json!({"iss": url, "aud": "api", "sub": "carl", "exp": NOW - 600});
        Presented::new(PresentedKind::TOKEN).with("token", Signer::new(1, "one").sign(&claims))
    }

    keyward_testkit::checker_suite!(
        OAuth,
        prepare,
        host = |scratch| {
            TestHost::new()
                .client(Named::new(token(scratch, "ann")).being("ann"))
                .client(Named::new(token(scratch, "bob")).being("bob"))
                .client(Named::new(expired(scratch)).disabled())
        },
    );
}

#[test]
fn claims_decide() {
    let signer = Signer::new(1, "one");
    let server = Server::start(&[&signer]);
    let host = Arc::new(TestHost::new());
    let checker = verifying(&host, &server);
    let (expired, restricted) = (Round::wrong(Denial::Expired), Round::wrong(Denial::Restricted));
    let malformed = Round::wrong(Denial::Malformed);
    for (change, expected) in [
        (json!({}), &accepted("ann")),
        (json!({"aud": ["other", "api"]}), &accepted("ann")),
        (json!({"aud": "other"}), &restricted),
        (json!({"aud": ["apix", 7]}), &restricted),
        (json!({"aud": null}), &restricted),
        (json!({"exp": NOW - 59}), &accepted("ann")),
        (json!({"exp": NOW - 60}), &expired),
        (json!({"exp": 0}), &expired),
        (json!({"exp": -1e300}), &expired),
        (json!({"exp": "2030"}), &malformed),
        (json!({"exp": null}), &malformed),
        (json!({"nbf": NOW + 60}), &accepted("ann")),
        (json!({"nbf": NOW + 61}), &restricted),
        (json!({"iat": NOW + 61}), &restricted),
        (json!({"cnf": {"jkt": "x"}}), &restricted),
        (json!({"sub": 7}), &restricted),
        (json!({"sub": ""}), &malformed),
        (json!({"sub": "a\nb"}), &malformed),
        (json!({"iss": "https://other.example"}), &Round::Unknown),
        (json!({"iss": format!("{}/", server.url)}), &Round::Unknown),
    ] {
        let token = signer.sign(&server.claims(&change));
        assert_eq!(&present(&checker, &token).unwrap(), expected, "{change}");
    }
    let no_end = json!({"iss": server.url, "aud": "api", "sub": "ann"});
    assert_eq!(present(&checker, &signer.sign(&no_end)).unwrap(), malformed);
    let named = |user: &str| {
        let token = signer.sign(&server.claims(&json!({})));
        let presented = Presented::new(PresentedKind::TOKEN).named(user).with("token", token);
        checker.check(&presented, &Attempt::default()).unwrap()
    };
    assert_eq!(named("ann"), accepted("ann"));
    assert_eq!(named("bob"), WRONG);
}

#[test]
fn an_address_counts_only_if_it_was_verified() {
    let signer = Signer::new(1, "one");
    let server = Server::start(&[&signer]);
    let host = Arc::new(TestHost::new());
    let change = |options: &mut Options| {
        options.issuer = Some(server.url.clone());
        options.claim = "email".into();
    };
    let checker = open(&host, change).unwrap();
    for (verified, is_accepted) in [
        (json!(true), true),
        (json!("true"), true),
        (json!(false), false),
        (json!(1), false),
        (json!(null), false),
    ] {
        let claims = json!({"email": "ann@example.org", "email_verified": verified});
        let round = present(&checker, &signer.sign(&server.claims(&claims))).unwrap();
        let expected = match is_accepted {
            true => accepted("ann@example.org"),
            false => Round::wrong(Denial::Restricted),
        };
        assert_eq!(round, expected, "{claims}");
    }
}

#[test]
fn a_head_cannot_choose() {
    let signer = Signer::new(1, "one");
    let server = Server::start(&[&signer]);
    let host = Arc::new(TestHost::new());
    let checker = verifying(&host, &server);
    let claims = server.claims(&json!({}));
    for (head, expected) in [
        (json!({"alg": "EdDSA", "kid": "one"}), &accepted("ann")),
        (json!({"alg": "EdDSA"}), &accepted("ann")),
        (json!({"alg": "Ed25519", "kid": "one", "typ": "at+jwt"}), &accepted("ann")),
        (json!({"alg": "EdDSA", "kid": "one", "typ": "application/at+JWT"}), &accepted("ann")),
        (json!({"alg": "EdDSA", "kid": "one", "typ": "logout+jwt"}), &WRONG),
        (json!({"alg": "EdDSA", "kid": "one", "typ": 1}), &WRONG),
        (json!({"alg": "EdDSA", "kid": "one", "crit": ["exp"]}), &WRONG),
        (json!({"alg": "EdDSA", "kid": "two"}), &WRONG),
        (json!({"alg": "none", "kid": "one"}), &WRONG),
        (json!({"alg": "none"}), &WRONG),
        (json!({"alg": "ES256", "kid": "one"}), &WRONG),
        (json!({"alg": "RS256", "kid": "one"}), &WRONG),
        (json!({"alg": "HS256", "kid": "one"}), &WRONG),
        (json!({"kid": "one"}), &Round::Unknown),
        (json!({"alg": "EdDSA", "kid": "no", "jwk": signer.jwk()}), &WRONG),
    ] {
        let token = signer.sign_as(&head, &claims);
        assert_eq!(&present(&checker, &token).unwrap(), expected, "{head}");
    }
    let head = json!({"alg": "HS256", "kid": "one"});
    assert_eq!(present(&checker, &signer.sign_with_hmac(&head, &claims)).unwrap(), WRONG);
    let token = signer.sign(&claims);
    let (start, _) = token.rsplit_once('.').unwrap();
    assert_eq!(present(&checker, &format!("{start}.")).unwrap(), WRONG);
    for other in
        ["", ".", "..", "a.b.c", "opaque", &format!("{token}.x"), &format!("{token}="), start]
    {
        assert_eq!(present(&checker, other).unwrap(), Round::Unknown, "{other}");
    }
}

#[test]
fn keys_can_be_replaced() {
    let (one, two) = (Signer::new(1, "one"), Signer::new(2, "two"));
    let server = Server::start(&[&one]);
    let host = Arc::new(TestHost::new());
    let checker = verifying(&host, &server);
    let claims = server.claims(&json!({}));
    assert_eq!(present(&checker, &one.sign(&claims)).unwrap(), accepted("ann"));
    server.publish(&[&one, &two]);
    // No client can make the checker request the keys more than once a minute.
    for _ in 0..20 {
        assert_eq!(present(&checker, &two.sign(&claims)).unwrap(), WRONG);
    }
    assert_eq!(server.requests(), 2);
    host.set_now(Timestamp::from_unix(NOW + 60));
    for _ in 0..20 {
        assert_eq!(present(&checker, &two.sign(&claims)).unwrap(), accepted("ann"));
        assert_eq!(present(&checker, &one.sign(&claims)).unwrap(), accepted("ann"));
    }
    assert_eq!(server.requests(), 4);
    // A key that is withdrawn is not used for longer than an hour.
    server.publish(&[&two]);
    let late = NOW + 60 + 3600;
    host.set_now(Timestamp::from_unix(late));
    let claims = server.claims(&json!({"exp": late + 600}));
    assert_eq!(present(&checker, &one.sign(&claims)).unwrap(), WRONG);
    assert_eq!(present(&checker, &two.sign(&claims)).unwrap(), accepted("ann"));
}

#[test]
fn who_has_a_known_key_does_not_wait_for_other_keys() {
    let (one, two) = (Signer::new(1, "one"), Signer::new(2, "two"));
    let server = Server::start(&[&one]);
    let host = Arc::new(TestHost::new());
    let checker = verifying(&host, &server);
    let claims = server.claims(&json!({}));
    assert_eq!(present(&checker, &one.sign(&claims)).unwrap(), accepted("ann"));
    host.set_now(Timestamp::from_unix(NOW + 60));
    server.answer("/keys", 500, "");
    assert_eq!(present(&checker, &two.sign(&claims)).unwrap_err().kind(), ErrorKind::Unavailable);
    let held = server.hold();
    std::thread::scope(|scope| {
        host.set_now(Timestamp::from_unix(NOW + 65));
        let waiting = scope.spawn(|| present(&checker, &two.sign(&claims)));
        assert_eq!(present(&checker, &one.sign(&claims)).unwrap(), accepted("ann"));
        drop(held);
        assert!(waiting.join().unwrap().is_err());
    });
}

#[test]
fn an_outage_is_an_error() {
    let signer = Signer::new(1, "one");
    let host = Arc::new(TestHost::new().secret("test", "s3cret"));
    let answers: [(&str, u16, String); 7] = [
        ("/.well-known/openid-configuration", 500, String::new()),
        ("/.well-known/openid-configuration", 302, String::new()),
        ("/.well-known/openid-configuration", 200, "nonsense".into()),
        ("/.well-known/openid-configuration", 200, r#"{"issuer": "https://other.example"}"#.into()),
        ("/.well-known/openid-configuration", 404, String::new()),
        ("/keys", 503, String::new()),
        ("/keys", 200, format!("{{\"keys\": [], \"x\": \"{}\"}}", "x".repeat(600 << 10))),
    ];
    for (path, status, body) in answers {
        let server = Server::start(&[&signer]);
        let checker = verifying(&host, &server);
        let token = signer.sign(&server.claims(&json!({})));
        server.answer(path, status, &body);
        let error = present(&checker, &token).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{path} {status}");
        // The server is not asked again at once. When it works again, so does the checker.
        let requests = server.requests();
        server.publish(&[&signer]);
        assert_eq!(present(&checker, &token).unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(server.requests(), requests);
        host.set_now(Timestamp::from_unix(NOW + 5));
        assert_eq!(present(&checker, &token).unwrap(), accepted("ann"));
        host.set_now(Timestamp::from_unix(NOW));
    }
    let server = Server::start(&[&signer]);
    for (status, body) in
        [(500, ""), (401, ""), (200, "[]"), (200, "{}"), (200, r#"{"active": "true"}"#)]
    {
        server.answer("/introspect", status, body);
        let error = present(&asking(&host, &server, 0), "token").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{status} {body}");
    }
    let unreachable =
        open(&host, |options| options.issuer = Some("http://127.0.0.1:1".into())).unwrap();
    let token = signer.sign(&json!({"iss": "http://127.0.0.1:1", "sub": "ann"}));
    assert_eq!(present(&unreachable, &token).unwrap_err().kind(), ErrorKind::Unavailable);
    // What is not about this server needs no request.
    assert_eq!(present(&unreachable, "opaque").unwrap(), Round::Unknown);
}

#[test]
fn the_server_is_asked_about_tokens() {
    let server = Server::start(&[]);
    let host = Arc::new(TestHost::new().secret("test", "s3cret/+%&"));
    let checker = asking(&host, &server, 0);
    let (expired, restricted) = (Round::wrong(Denial::Expired), Round::wrong(Denial::Restricted));
    for (answer, expected) in [
        (json!({"active": true, "sub": "ann", "aud": "api"}), &accepted("ann")),
        (json!({"active": true, "sub": "ann", "aud": "api", "exp": NOW - 60}), &expired),
        (json!({"active": true, "sub": "ann", "aud": "other"}), &restricted),
        (json!({"active": true, "sub": "ann"}), &restricted),
        (json!({"active": true, "aud": "api"}), &restricted),
        (json!({"active": false, "sub": "ann", "aud": "api"}), &Round::Unknown),
    ] {
        server.answer("/introspect", 200, &answer.to_string());
        assert_eq!(&present(&checker, "a+b/c=").unwrap(), expected, "{answer}");
    }
    let request = server.last_request();
    assert!(
        request.contains("authorization: Basic YSUzQWIrYzpzM2NyZXQlMkYlMkIlMjUlMjY=\r\n"),
        "{request}"
    );
    assert!(
        request.ends_with("\r\n\r\ntoken=a%2Bb%2Fc%3D&token_type_hint=access_token"),
        "{request}"
    );
}

#[test]
fn an_answer_is_used_again_only_by_choice() {
    let server = Server::start(&[]);
    let host = Arc::new(TestHost::new().secret("test", "s3cret"));
    let active = json!({"active": true, "sub": "ann", "aud": "api"}).to_string();
    for (cache, kept) in [(0, false), (5, true)] {
        server.answer("/introspect", 200, &active);
        host.set_now(Timestamp::from_unix(NOW));
        let checker = asking(&host, &server, cache);
        assert_eq!(present(&checker, "token").unwrap(), accepted("ann"));
        server.answer("/introspect", 200, r#"{"active": false}"#);
        assert_eq!(present(&checker, "token").unwrap() == accepted("ann"), kept);
        assert_eq!(present(&checker, "other").unwrap(), Round::Unknown);
        host.set_now(Timestamp::from_unix(NOW + cache));
        assert_eq!(present(&checker, "token").unwrap(), Round::Unknown);
    }
}

#[test]
fn options_that_cannot_work_are_refused() {
    let host = Arc::new(TestHost::new());
    let issuer = || Some("https://login.example".to_owned());
    for (change, kind) in [
        ((&|it: &mut Options| it.claim.push('x')) as &dyn Fn(&mut Options), ErrorKind::Invalid),
        (&|it| (it.issuer, it.audience) = (issuer(), vec![]), ErrorKind::Invalid),
        (&|it| (it.issuer, it.any_audience) = (issuer(), true), ErrorKind::Invalid),
        (&|it| (it.issuer, it.introspection) = (issuer(), issuer()), ErrorKind::Invalid),
        (&|it| (it.issuer, it.client_id) = (issuer(), Some("x".into())), ErrorKind::Invalid),
        (&|it| it.introspection = issuer(), ErrorKind::Invalid),
        (&|it| (it.issuer, it.cache) = (issuer(), Duration::from_secs(11)), ErrorKind::Invalid),
        (&|it| it.issuer = Some("https://ann@login.example".into()), ErrorKind::Invalid),
        (&|it| it.issuer = Some("login.example".into()), ErrorKind::Invalid),
        (&|it| it.issuer = Some("https://login.example?x".into()), ErrorKind::Invalid),
        (&|it| it.issuer = Some("http://login.example".into()), ErrorKind::Refused),
        (&|it| it.issuer = Some("http://127.0.0.1.example".into()), ErrorKind::Refused),
    ] {
        assert_eq!(open(&host, change).unwrap_err().kind(), kind);
    }
    assert!(open(&host, |options| options.issuer = issuer()).is_ok());
}
