//! What the authenticators do with a request and its answers.

use crate::open;
use keyward_plugin::{
    Authenticator, Event, Field, Header, Record, RefusalCause, Registry, RequestHead, ResponseHead,
    Secret, State, Step, SubResponse, Value, Values,
};

fn opened(name: &str, options: &[(&str, &str)]) -> Box<dyn Authenticator> {
    let values = options.iter().fold(Values::new(), |values, (name, value)| {
        values.with(*name, Value::Text((*value).into()))
    });
    open(name, &values).unwrap()
}

fn request() -> RequestHead {
    RequestHead { method: "GET".into(), url: "https://x.example/a".into(), headers: Vec::new() }
}

fn answer(status: u16, challenge: &str) -> ResponseHead {
    let headers = vec![Header::new("Www-Authenticate", challenge)];
    ResponseHead { status, headers, body_start: Secret::default() }
}

fn step(name: &str, record: Option<&Record>, event: &Event<'_>) -> Step {
    opened(name, &[]).step(&request(), record, event, &mut State::default()).unwrap()
}

fn user() -> Record {
    Record::new("user-password")
        .with("username", Field::open("ann"))
        .with("password", Field::secret("pä:ss"))
}

fn token() -> Record {
    Record::new("token").with("token", Field::secret("t0ken"))
}

/// The header that a step adds.
fn header(step: &Step) -> &str {
    let Step::Send(additions) = step else { panic!("{step:?}") };
    additions.headers.first().map_or("", |header| header.value.expose_str().unwrap())
}

fn cause(step: &Step) -> RefusalCause {
    let Step::Refuse(refusal) = step else { panic!("{step:?}") };
    refusal.cause
}

#[test]
fn credentials_are_sent_as_the_standards_say() {
    assert_eq!(header(&step("basic", Some(&user()), &Event::Start)), "Basic YW5uOnDDpDpzcw==");
    assert_eq!(header(&step("bearer", Some(&token()), &Event::Start)), "Bearer t0ken");
    assert_eq!(header(&step("token", Some(&token()), &Event::Start)), "Token t0ken");
    let other = opened("token", &[("header", "X-Key"), ("prefix", "")]);
    let sent = other.step(&request(), Some(&token()), &Event::Start, &mut State::default());
    assert_eq!(header(&sent.unwrap()), "t0ken");
    let login = Record::new("oauth2").with("access_token", Field::secret("a1"));
    assert_eq!(header(&step("bearer", Some(&login), &Event::Start)), "Bearer a1");
}

#[test]
fn a_credential_that_does_not_fit_is_refused() {
    for name in ["basic", "bearer", "token"] {
        assert_eq!(cause(&step(name, None, &Event::Start)), RefusalCause::NeedsCredential);
    }
    assert_eq!(cause(&step("basic", Some(&token()), &Event::Start)), RefusalCause::WrongCredential);
    assert_eq!(cause(&step("bearer", Some(&user()), &Event::Start)), RefusalCause::WrongCredential);
    let empty = Record::new("token").with("token", Field::secret(""));
    assert_eq!(cause(&step("bearer", Some(&empty), &Event::Start)), RefusalCause::WrongCredential);
    let colon = user().with("username", Field::open("a:b"));
    let basic = opened("basic", &[]);
    assert!(basic.step(&request(), Some(&colon), &Event::Start, &mut State::default()).is_err());
    let lines = Record::new("token").with("token", Field::secret("a\r\nb"));
    let bearer = opened("bearer", &[]);
    assert!(bearer.step(&request(), Some(&lines), &Event::Start, &mut State::default()).is_err());
}

#[test]
fn a_server_that_asks_for_something_else_gets_nothing() {
    let digest = answer(401, "Digest realm=x, nonce=n, algorithm=SHA-1024");
    for (name, record) in [("basic", user()), ("bearer", token()), ("auto", token())] {
        let refused = step(name, Some(&record), &Event::Challenged(&digest));
        assert_eq!(cause(&refused), RefusalCause::OtherScheme, "{name}");
    }
    let negotiate = answer(401, "Negotiate");
    let refused = step("auto", Some(&user()), &Event::Challenged(&negotiate));
    let Step::Refuse(refusal) = refused else { panic!() };
    assert!(refusal.why.contains("Negotiate"), "{}", refusal.why);
}

#[test]
fn auto_does_what_the_server_asks_for() {
    assert_eq!(header(&step("auto", Some(&user()), &Event::Start)), "");
    let both = answer(401, "Bearer, Basic realm=x");
    let with = |record: &Record| step("auto", Some(record), &Event::Challenged(&both));
    assert!(header(&with(&user())).starts_with("Basic "));
    assert_eq!(header(&with(&token())), "Bearer t0ken");
    assert_eq!(
        cause(&step("auto", None, &Event::Challenged(&both))),
        RefusalCause::NeedsCredential
    );
}

#[test]
fn auto_prefers_digest_and_then_never_sends_the_password_itself() {
    let auto = opened("auto", &[]);
    let mut state = State::default();
    let mut with =
        |event: &Event<'_>| auto.step(&request(), Some(&user()), event, &mut state).unwrap();
    let both = answer(401, "Basic realm=x, Digest realm=x, nonce=n, qop=auth");
    assert!(header(&with(&Event::Challenged(&both))).starts_with("Digest "));
    assert_eq!(with(&Event::Answered(&answer(200, ""))), Step::Accept);
    assert!(header(&with(&Event::Start)).contains("nc=00000002"));
    let weaker = answer(401, "Basic realm=x");
    assert_eq!(cause(&with(&Event::Answered(&weaker))), RefusalCause::WrongCredential);
    assert_eq!(cause(&with(&Event::Challenged(&weaker))), RefusalCause::OtherScheme);
    // A Digest that this client does not know leaves Basic, which the server offers.
    let unknown = answer(401, "Basic realm=x, Digest realm=x, nonce=n, algorithm=SHA-1024");
    let sent = step("auto", Some(&user()), &Event::Challenged(&unknown));
    assert!(header(&sent).starts_with("Basic "));
}

#[test]
fn only_401_says_that_a_credential_is_wrong() {
    // These have options that they need, and their own tests.
    let needs = |name: &str| ["html-form", "loris"].contains(&name);
    let registry = Registry::linked().unwrap();
    for name in registry.iter().map(|it| it.info.name).filter(|name| !needs(name)) {
        for status in [200, 206, 403, 404, 500] {
            let step = step(name, Some(&token()), &Event::Answered(&answer(status, "")));
            assert_eq!(step, Step::Accept, "{name} {status}");
        }
        let refused = step(name, Some(&token()), &Event::Answered(&answer(401, "Basic realm=x")));
        assert_eq!(cause(&refused), RefusalCause::WrongCredential, "{name}");
    }
}

#[test]
fn a_login_with_basic_gives_cookies_that_are_sent_in_place_of_the_password() {
    let basic = opened("basic", &[("login", "https://x.example/login")]);
    let mut state = State::default();
    let mut with =
        |event: &Event<'_>| basic.step(&request(), Some(&user()), event, &mut state).unwrap();
    let ask = |step: Step| match step {
        Step::Ask(sub) => {
            assert!(sub.carries_credential);
            let sent = sub.head.headers[0].value.expose_str().unwrap().to_owned();
            format!("{} {} {sent}", sub.head.method, sub.head.url)
        }
        step => panic!("{step:?}"),
    };
    let sub = |status: u16, cookie: &str| SubResponse {
        head: ResponseHead {
            status,
            headers: vec![Header::new("set-cookie", cookie)],
            body_start: Secret::default(),
        },
        body: Secret::default(),
    };
    let login = "POST https://x.example/login Basic YW5uOnDDpDpzcw==";
    assert_eq!(ask(with(&Event::Start)), login);
    assert_eq!(header(&with(&Event::Sub(&sub(200, "s=1")))), "s=1");
    assert_eq!(with(&Event::Answered(&answer(200, ""))), Step::Accept);
    assert_eq!(header(&with(&Event::Start)), "s=1");
    // The session has ended: one new login.
    assert_eq!(ask(with(&Event::Answered(&answer(401, "")))), login);
    assert_eq!(header(&with(&Event::Sub(&sub(200, "s=2; Max-Age=1000")))), "s=2");
    assert_eq!(cause(&with(&Event::Answered(&answer(401, "")))), RefusalCause::WrongCredential);
    // A login that fails, or gives nothing.
    with(&Event::Answered(&answer(401, "")));
    assert_eq!(cause(&with(&Event::Sub(&sub(401, "")))), RefusalCause::WrongCredential);
    let mut state = State::default();
    basic.step(&request(), Some(&user()), &Event::Start, &mut state).unwrap();
    let without = basic.step(&request(), Some(&user()), &Event::Sub(&sub(200, "")), &mut state);
    assert_eq!(cause(&without.unwrap()), RefusalCause::OtherScheme);
}

#[test]
fn a_certificate_is_used_only_with_https() {
    let certificate = opened("client-certificate", &[]);
    let record = Record::new("client-certificate")
        .with("certificate", Field::open("-----BEGIN CERTIFICATE-----"))
        .with("private_key", Field::secret("-----BEGIN PRIVATE KEY-----"));
    let with = |url: &str, record: &Record| {
        let request = RequestHead { url: url.into(), ..request() };
        certificate.step(&request, Some(record), &Event::Start, &mut State::default()).unwrap()
    };
    let Step::Send(additions) = with("https://x.example/a", &record) else { panic!() };
    assert!(additions.certificate.is_some() && additions.headers.is_empty());
    let locked = record.clone().with("passphrase", Field::secret("p"));
    for step in [
        with("http://x.example/a", &record),
        with("https://x.example/a", &locked),
        with("https://x.example/a", &token()),
    ] {
        assert_eq!(cause(&step), RefusalCause::WrongCredential);
    }
}

/// Row C14 of DataLad's cases: what the server asks for decides how to authenticate.
#[test]
fn c14_www_authenticate_is_mapped_to_an_authenticator() {
    for (challenge, record, expected) in [
        ("Basic realm=x", user(), "Basic "),
        ("bAsIc", user(), "Basic "),
        ("Digest realm=x, nonce=n, qop=auth", user(), "Digest "),
        ("Negotiate, Basic realm=x", user(), "Basic "),
        ("Bearer realm=x", token(), "Bearer "),
    ] {
        let sent = step("auto", Some(&record), &Event::Challenged(&answer(401, challenge)));
        assert!(header(&sent).starts_with(expected), "{challenge}");
    }
    for challenge in ["Negotiate", "NTLM", "Hoba", ""] {
        let step = step("auto", Some(&user()), &Event::Challenged(&answer(401, challenge)));
        assert_eq!(cause(&step), RefusalCause::OtherScheme, "{challenge}");
    }
}

#[test]
fn options_are_checked() {
    let with = |name: &str, value: &str| {
        open("token", &Values::new().with(name, Value::Text(value.into())))
    };
    assert!(with("header", "X-Key").is_ok());
    for (name, value) in [("header", "a b"), ("header", ""), ("prefix", "a b"), ("nothing", "x")] {
        assert!(with(name, value).is_err(), "{name} {value}");
    }
    let error = open("kerberos", &Values::new()).unwrap_err();
    assert!(error.report().contains("auto, aws-sigv4, basic, bearer, "), "{}", error.report());
}
