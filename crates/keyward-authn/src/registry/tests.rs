//! Which server is asked for a token, for what, and how long the token is used.

use keyward_plugin::{Field, Value, Values};

use super::*;
use crate::open;

fn step(realms: &[&str], record: Option<&Record>, event: &Event<'_>, state: &mut State) -> Step {
    step_for("https://r.example/v2/a/manifests/1", realms, record, event, state)
}

fn step_for(
    url: &str,
    realms: &[&str],
    record: Option<&Record>,
    event: &Event<'_>,
    state: &mut State,
) -> Step {
    let list = Value::List(realms.iter().map(|&realm| realm.to_owned()).collect());
    let registry = open("registry-token", &Values::new().with("realms", list)).unwrap();
    let request = RequestHead { method: "GET".into(), url: url.into(), headers: Vec::new() };
    registry.step(&request, record, event, state).unwrap()
}

fn challenged(challenge: &str) -> ResponseHead {
    let headers = vec![Header::new("www-authenticate", challenge)];
    ResponseHead { status: 401, headers, body_start: Secret::default() }
}

fn issued(body: &str) -> SubResponse {
    let head = ResponseHead { status: 200, headers: Vec::new(), body_start: Secret::default() };
    SubResponse { head, body: body.into() }
}

fn sent(step: Step) -> String {
    let Step::Send(additions) = step else { panic!("{step:?}") };
    additions.headers[0].value.expose_str().unwrap().to_owned()
}

#[test]
fn a_token_is_requested_for_the_scope_as_it_is_and_used_for_no_other_one() {
    let ann = Record::new("user-password")
        .with("username", Field::open("ann"))
        .with("password", Field::secret("s3cret"));
    let one = challenged(
        "Bearer realm=\"https://r.example/token?x=1\",service=\"r s\",scope=\"repository:a:pull,push aws\"",
    );
    let other = challenged("Bearer realm=\"https://r.example/token\",scope=\"repository:b:pull\"");
    for record in [None, Some(&ann)] {
        let mut state = State::default();
        let mut with = |event: &Event<'_>| step(&[], record, event, &mut state);
        let Step::Ask(sub) = with(&Event::Challenged(&one)) else { panic!() };
        assert_eq!(
            sub.head.url,
            "https://r.example/token?x=1&service=r+s&scope=repository%3Aa%3Apull%2Cpush+aws"
        );
        assert_eq!(sub.carries_credential, record.is_some());
        assert_eq!(sub.head.headers.len(), usize::from(record.is_some()));
        assert_eq!(sent(with(&Event::Sub(&issued("{\"token\":\"t1\"}")))), "Bearer t1");
        // The same is used again, another one is requested.
        assert_eq!(sent(with(&Event::Challenged(&one))), "Bearer t1");
        assert!(matches!(with(&Event::Challenged(&other)), Step::Ask(_)));
        let short = issued("{\"access_token\":\"t2\",\"expires_in\":3}");
        assert_eq!(sent(with(&Event::Sub(&short))), "Bearer t2");
        assert!(matches!(with(&Event::Challenged(&other)), Step::Ask(_)));
        // One that is refused is not used again.
        assert_eq!(sent(with(&Event::Challenged(&one))), "Bearer t1");
        assert!(matches!(with(&Event::Answered(&challenged(""))), Step::Refuse(_)));
        assert!(matches!(with(&Event::Challenged(&one)), Step::Ask(_)));
        for body in ["", "{}", "{\"token\":\"\"}", "{\"token\":\"a b\"}", "{\"token\":1}"] {
            assert!(matches!(with(&Event::Sub(&issued(body))), Step::Refuse(_)), "{body}");
        }
    }
}

#[test]
fn a_registry_cannot_send_a_client_anywhere() {
    for (registry, realm, is_asked) in [
        ("https://r.example", "https://r.example/token", true),
        ("https://r.example", "https://r.example:8443/token", true),
        ("https://r.site.example", "https://site.example/token", true),
        ("https://site.example", "https://auth.site.example/token", true),
        ("https://r.example", "https://listed.example/token", true),
        ("https://r.example", "http://r.example/token", false),
        ("https://r.example", "http://listed.example/token", false),
        ("https://r.example", "https://evil.example/token", false),
        ("https://r.example", "https://evilr.example/token", false),
        ("https://r.example", "https://example/token", false),
        ("https://r.example", "https://127.0.0.1/token", false),
        ("https://r.example", "https://localhost/token", false),
        ("https://r.example", "https://169.254.169.254/latest", false),
        ("https://10.0.0.1", "https://169.254.169.254/latest", false),
        ("https://r.example", "https://[::ffff:169.254.169.254]/latest", false),
        ("https://r.example", "https://10.0.0.1/token", false),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5001/token", true),
        ("https://10.0.0.1", "https://10.0.0.1/token", true),
        ("https://r.example", "file:///etc/passwd", false),
        ("https://r.example", "", false),
    ] {
        let challenge = challenged(&format!("Bearer realm=\"{realm}\",service=r"));
        let listed = ["https://listed.example"];
        let url = format!("{registry}/v2/");
        let event = Event::Challenged(&challenge);
        let step = step_for(&url, &listed, None, &event, &mut State::default());
        assert_eq!(matches!(step, Step::Ask(_)), is_asked, "{registry} {realm} {step:?}");
    }
}
