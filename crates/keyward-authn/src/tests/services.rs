//! What LORIS, NDA and XNAT are asked, and what their answers mean.

use keyward_origin::Target;
use keyward_plugin::{
    Authenticator, Event, Field, Header, Record, RefusalCause, RequestHead, ResponseHead, Step,
    SubResponse, Value, Values,
};

use crate::{LorisTokens, NdaKeys, Service, open};

fn user() -> Record {
    Record::new("user-password")
        .with("username", Field::open("a<n&n"))
        .with("password", Field::secret("p\"ä"))
}

fn sub(status: u16, headers: &[(&str, &str)], body: &str) -> SubResponse {
    SubResponse { head: head(status, headers, ""), body: body.into() }
}

fn head(status: u16, headers: &[(&str, &str)], start: &str) -> ResponseHead {
    let headers = headers.iter().map(|(name, value)| Header::new(*name, *value)).collect();
    ResponseHead { status, headers, body_start: start.into() }
}

/// Shows a step as what it sends.
fn shown(step: &Step) -> String {
    let header = |headers: &[Header]| {
        let is_shown = |name: &str| ["authorization", "cookie"].contains(&&*name.to_lowercase());
        let header = headers.iter().find(|it| is_shown(&it.name));
        header.map_or(String::new(), |it| it.value.expose_str().unwrap().to_owned())
    };
    match step {
        Step::Ask(sub) => {
            assert!(sub.carries_credential);
            let body = sub.body.expose_str().unwrap();
            format!("{} {} [{}] {body}", sub.head.method, sub.head.url, header(&sub.head.headers))
        }
        Step::Send(additions) => format!("send [{}]", header(&additions.headers)),
        Step::HashBody(kind) => format!("hash {kind:?}"),
        Step::Accept => "accept".into(),
        Step::Refuse(refusal) => format!("{:?}: {}", refusal.cause, refusal.why),
        step => format!("{step:?}"),
    }
}

struct Talk(Box<dyn Authenticator>, keyward_plugin::State);

impl Talk {
    fn new(name: &str, options: &[(&str, &str)]) -> Self {
        let values = options.iter().fold(Values::new(), |values, (name, value)| {
            let text = (*value).to_owned();
            let is_list = *name == "failure";
            values.with(*name, if is_list { Value::List(vec![text]) } else { Value::Text(text) })
        });
        Self(open(name, &values).unwrap(), Default::default())
    }

    fn step(&mut self, event: &Event<'_>) -> String {
        let url = "https://x.example/data/a".to_owned();
        let request = RequestHead { method: "GET".into(), url, headers: Vec::new() };
        shown(&self.0.step(&request, Some(&user()), event, &mut self.1).unwrap())
    }
}

const LORIS: &[(&str, &str)] =
    &[("login", "https://x.example/api/v0.0.3/login"), ("failure", "\"User not authenticated\"}$")];

#[test]
fn loris_gives_a_token_that_is_used_until_it_is_refused() {
    let mut talk = Talk::new("loris", LORIS);
    let ask = "POST https://x.example/api/v0.0.3/login [] {\"username\":\"a<n&n\",\"password\":\"p\\\"ä\"}";
    assert_eq!(talk.step(&Event::Start), ask);
    let answer = sub(200, &[], "{\"token\": \"t1\"}");
    assert_eq!(talk.step(&Event::Sub(&answer)), "send [Bearer t1]");
    assert_eq!(talk.step(&Event::Answered(&head(200, &[], ""))), "accept");
    assert_eq!(talk.step(&Event::Start), "send [Bearer t1]");
    // The token has ended: there is one more login, and not a third.
    let page = "{\"error\": \"User not authenticated\"}";
    assert_eq!(talk.step(&Event::Answered(&head(200, &[], page))), ask);
    let answer = sub(200, &[], "{\"token\": \"t2\"}");
    assert_eq!(talk.step(&Event::Sub(&answer)), "send [Bearer t2]");
    let refused = talk.step(&Event::Answered(&head(200, &[], page)));
    assert!(refused.starts_with("WrongCredential: the server answers with its login page"));
    let refused = talk.step(&Event::Answered(&head(401, &[], "")));
    assert!(refused.starts_with("WrongCredential: "), "{refused}");
}

#[test]
fn an_answer_of_loris_without_a_token_is_refused() {
    let service = LorisTokens { login: Target::parse(LORIS[0].1).unwrap() };
    for (status, body, cause) in [
        (401, "{\"error\": \"wrong\"}", RefusalCause::WrongCredential),
        (404, "", RefusalCause::WrongCredential),
        (200, "", RefusalCause::OtherScheme),
        (200, "{\"token\": 1}", RefusalCause::OtherScheme),
        (200, "{\"token\": \"\"}", RefusalCause::OtherScheme),
        (200, "{\"token\": \"a\\r\\nb\"}", RefusalCause::OtherScheme),
        (200, &format!("{{\"token\": \"{}\"}}", "x".repeat(1 << 20)), RefusalCause::OtherScheme),
    ] {
        let refusal = service.record(&sub(status, &[], body)).unwrap().unwrap_err();
        let Step::Refuse(refusal) = refusal else { panic!("{refusal:?}") };
        assert_eq!(refusal.cause, cause, "{status} {:.40}", body);
    }
    assert!(service.record(&sub(503, &[], "")).is_err());
    assert!(open("loris", &Values::new()).is_err());
}

/// An answer of NDA's service with these elements.
fn soap(elements: &str) -> String {
    format!(
        "<?xml version='1.0'?><S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\">\
         <S:Body>{elements}</S:Body></S:Envelope>"
    )
}

fn keys(end: &str) -> String {
    soap(&format!(
        "<ns2:TokenElement xmlns:ns2=\"http://gov/nih/ndar/ws/datamanager/server/bean/jaxb\">\
         <accessKey>AKIA1</accessKey><secretKey>s/+=1</secretKey><sessionToken>t&amp;1</sessionToken>\
         <expirationDate>{end}</expirationDate></ns2:TokenElement>"
    ))
}

fn nda() -> NdaKeys {
    NdaKeys { login: Target::parse("https://nda.example/DataManager/dataManager").unwrap() }
}

#[test]
fn nda_is_asked_with_the_hash_of_the_password() {
    let sub = nda().request(Some(&user())).unwrap();
    let body = sub.body.expose_str().unwrap();
    // printf 'p"ä' | sha1sum
    assert!(body.contains("<name>a&lt;n&amp;n</name>"), "{body}");
    assert!(
        body.contains("<password>501d87505e4a0c8fb3d7de9f1774f5e6947a179b</password>"),
        "{body}"
    );
    let header = |name| sub.head.headers.iter().find(|it| it.name == name).unwrap();
    assert_eq!(header("SOAPAction").value.expose(), b"\"generateToken\"");
    assert!(nda().request(None).is_err());
}

#[test]
fn nda_gives_keys_of_aws_that_end() {
    for (end, unix) in [
        ("2030-01-02T03:04:05Z", 1_893_553_445),
        ("2030-01-02T03:04:05.000-04:00", 1_893_567_845),
        ("2030-01-02T03:04:05", 1_893_553_445),
    ] {
        let record = nda().record(&sub(200, &[], &keys(end))).unwrap().unwrap();
        let field = |name| record.field(name).unwrap().value.expose_str().unwrap().to_owned();
        assert_eq!(record.kind, "aws");
        assert_eq!(field("access_key_id"), "AKIA1");
        assert_eq!(field("secret_access_key"), "s/+=1");
        assert_eq!(field("session_token"), "t&1");
        assert_eq!(record.expires.unwrap().as_unix(), unix, "{end}");
    }
}

#[test]
fn what_nda_refuses_and_what_fails_are_not_the_same() {
    let error = |text: &str| soap(&format!("<e><errorMessage>{text}</errorMessage></e>"));
    for text in ["Invalid username and/or password", "User name is invalid"] {
        for status in [200, 500] {
            let refused = nda().record(&sub(status, &[], &error(text))).unwrap().unwrap_err();
            assert!(shown(&refused).starts_with("WrongCredential: "), "{refused:?}");
        }
    }
    let no_end = keys("soon");
    let huge = format!("<a>{}", "x".repeat(1 << 20));
    let many = "<a>x</a>".repeat(1 << 17);
    for (status, body) in [
        (200, error("The service is down\u{1b}[31m").as_str()),
        (500, ""),
        (200, ""),
        (200, &no_end),
        (200, &huge),
        (200, &many),
        (503, &keys("2030-01-02T03:04:05Z")),
    ] {
        let failed = nda().record(&sub(status, &[], body)).unwrap_err();
        assert!(!failed.to_string().contains('\u{1b}'));
    }
}

#[test]
fn a_key_of_nda_signs_until_it_ends_or_is_refused() {
    let mut talk = Talk::new("nda", &[]);
    let asked = talk.step(&Event::Start);
    assert!(asked.starts_with("POST https://nda.nih.gov/DataManager/dataManager "), "{asked}");
    let answer = sub(200, &[], &keys("2100-01-02T03:04:05Z"));
    assert_eq!(talk.step(&Event::Sub(&answer)), "hash Sha256");
    let signed = talk.step(&Event::BodyHash(&[0; 32]));
    assert!(signed.contains("Credential=AKIA1/") && signed.contains("/us-east-1/s3/"), "{signed}");
    assert_eq!(talk.step(&Event::Answered(&head(200, &[], ""))), "accept");
    // The next request needs no other key.
    assert_eq!(talk.step(&Event::Start), "hash Sha256");
    talk.step(&Event::BodyHash(&[0; 32]));
    let ended = head(400, &[], "<Code>ExpiredToken</Code>");
    let again = talk.step(&Event::Answered(&ended));
    assert_eq!(again, asked);
    talk.step(&Event::Sub(&answer));
    let refused = talk.step(&Event::Answered(&ended));
    assert!(refused.starts_with("WrongCredential: "), "{refused}");
    // A key that has ended is not used.
    let mut talk = Talk::new("nda", &[]);
    talk.step(&Event::Start);
    talk.step(&Event::Sub(&sub(200, &[], &keys("2010-01-02T03:04:05Z"))));
    assert_eq!(talk.step(&Event::Start), asked);
}

#[test]
fn xnat_gives_a_session_for_the_password() {
    let mut talk = Talk::new("xnat", &[]);
    let ask = "POST https://x.example/data/JSESSION [Basic YTxuJm46cCLDpA==] ";
    assert_eq!(talk.step(&Event::Start), ask);
    let id = "0123456789ABCDEF0123456789ABCDEF";
    let answer = sub(200, &[("set-cookie", &format!("JSESSIONID={id}; Path=/; HttpOnly"))], id);
    assert_eq!(talk.step(&Event::Sub(&answer)), format!("send [JSESSIONID={id}]"));
    assert_eq!(talk.step(&Event::Answered(&head(200, &[], ""))), "accept");
    // The session has ended.
    let moved = [("location", "/app/template/Login.vm")];
    assert_eq!(talk.step(&Event::Start), format!("send [JSESSIONID={id}]"));
    assert_eq!(talk.step(&Event::Answered(&head(302, &moved, ""))), ask);
    // Some answer with the id alone.
    assert_eq!(talk.step(&Event::Sub(&sub(200, &[], "ABC\n"))), "send [JSESSIONID=ABC]");
    let refused = talk.step(&Event::Answered(&head(302, &moved, "")));
    assert!(refused.starts_with("WrongCredential: "), "{refused}");
    let mut talk = Talk::new("xnat", &[("login", "https://x.example/xnat/data/JSESSION")]);
    assert!(talk.step(&Event::Start).starts_with("POST https://x.example/xnat/data/JSESSION "));
    let refused = talk.step(&Event::Sub(&sub(401, &[], "")));
    assert!(refused.contains("is refused with status 401"), "{refused}");
    for body in ["<html>", "", "a;b", &"x".repeat(1 << 20)] {
        let refused = talk.step(&Event::Sub(&sub(200, &[], body)));
        assert!(refused.contains("no cookie"), "{refused:.100}");
    }
}

#[test]
fn a_login_page_in_place_of_a_file_is_recognised_by_every_authenticator() {
    let page = "<input type=\"password\">";
    let failure = |name: &str| {
        Values::new()
            .with("failure", Value::List(vec!["input\\s*type=.password".into()]))
            .with("login", Value::Text(format!("https://x.example/{name}")))
    };
    let token = Record::new("token").with("token", Field::secret("t"));
    for name in ["basic", "bearer", "digest", "token", "loris"] {
        let mut values = failure(name);
        if !["loris"].contains(&name) {
            values = Values::new().with("failure", values.get("failure").unwrap().clone());
        }
        let authenticator = open(name, &values).unwrap();
        let record = if ["bearer", "token"].contains(&name) { &token } else { &user() };
        let url = "https://x.example/data/a".to_owned();
        let request = RequestHead { method: "GET".into(), url, headers: Vec::new() };
        let mut state = Default::default();
        let mut step = |start: &str| {
            let answer = head(200, &[], start);
            let event = Event::Answered(&answer);
            shown(&authenticator.step(&request, Some(record), &event, &mut state).unwrap())
        };
        assert!(step(page).contains("login page"), "{name}: {}", step(page));
        assert_eq!(step("data"), "accept", "{name}");
    }
}
