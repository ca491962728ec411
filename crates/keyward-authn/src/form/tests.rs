//! The steps of a login with a form.

use keyward_plugin::{Additions, Field, Value, Values};

use super::*;
use crate::open;

const PAGE: &str = "<form><input type=hidden name=csrf value='a&amp;b'></form>";

fn form() -> Box<dyn Authenticator> {
    let list = |items: &[&str]| Value::List(items.iter().map(|&item| item.to_owned()).collect());
    let values = Values::new()
        .with("url", Value::Text("https://x.example/login".into()))
        .with("fields", list(&["user={username}", "pw={password}", "go=1"]))
        .with("hidden", list(&["csrf"]))
        .with("success", list(&["Welcome"]))
        .with("failure", list(&["Please log in", "(?i)wrong password"]));
    open("html-form", &values).unwrap()
}

struct Talk(State);

impl Talk {
    fn step(&mut self, event: &Event<'_>) -> Step {
        let ann = Record::new("user-password")
            .with("username", Field::open("ann"))
            .with("password", Field::secret("s3cret"));
        let url = "https://x.example/data".to_owned();
        let request = RequestHead { method: "GET".into(), url, headers: Vec::new() };
        form().step(&request, Some(&ann), event, &mut self.0).unwrap()
    }

    fn sub(&mut self, status: u16, headers: &[(&str, &str)], body: &str) -> Step {
        let head = head(status, headers, "");
        self.step(&Event::Sub(&SubResponse { head, body: body.into() }))
    }
}

fn head(status: u16, headers: &[(&str, &str)], start: &str) -> ResponseHead {
    let headers = headers.iter().map(|(name, value)| Header::new(*name, *value)).collect();
    ResponseHead { status, headers, body_start: start.into() }
}

/// Shows a request as its method, its URL, its cookie and its body.
fn shown(step: &Step) -> String {
    let cookie = |headers: &[Header]| {
        let cookie = headers.iter().find(|header| header.name == "Cookie");
        cookie.map_or(String::new(), |header| header.value.expose_str().unwrap().to_owned())
    };
    match step {
        Step::Ask(sub) => {
            let body = sub.body.expose_str().unwrap();
            let secret = if sub.carries_credential { " !" } else { "" };
            let cookie = cookie(&sub.head.headers);
            format!("{} {} [{cookie}] {body}{secret}", sub.head.method, sub.head.url)
        }
        Step::Send(Additions { headers, .. }) => format!("send [{}]", cookie(headers)),
        Step::Accept => "accept".into(),
        Step::Refuse(refusal) => format!("{:?}: {}", refusal.cause, refusal.why),
        step => format!("{step:?}"),
    }
}

fn log_in(talk: &mut Talk) {
    let set = [("Set-Cookie", "pre=1; Path=/")];
    assert_eq!(
        shown(&talk.sub(200, &set, PAGE)),
        "POST https://x.example/login [pre=1] user=ann&pw=s3cret&go=1&csrf=a%26b !"
    );
    let set = [("Set-Cookie", "s=2; Path=/"), ("Location", "/home")];
    assert_eq!(shown(&talk.sub(302, &set, "")), "GET https://x.example/home [pre=1; s=2]  !");
    assert_eq!(shown(&talk.sub(200, &[], "Welcome")), "send [pre=1; s=2]");
}

#[test]
fn a_login_is_done_once_and_again_when_the_session_has_ended() {
    let mut talk = Talk(State::default());
    assert_eq!(shown(&talk.step(&Event::Start)), "GET https://x.example/login [] ");
    log_in(&mut talk);
    let file = head(200, &[("Set-Cookie", "s=3; Path=/")], "a,b\n");
    assert_eq!(talk.step(&Event::Answered(&file)), Step::Accept);
    assert_eq!(shown(&talk.step(&Event::Start)), "send [pre=1; s=3]");
    for ended in [
        head(200, &[], "<html>Please log in"),
        head(401, &[], ""),
        head(302, &[("Location", "/login?next=/data")], ""),
    ] {
        assert_eq!(shown(&talk.step(&Event::Answered(&ended))), "GET https://x.example/login [] ");
        log_in(&mut talk);
        // The second time in one request, something else is wrong.
        let again = shown(&talk.step(&Event::Answered(&ended)));
        assert!(again.starts_with("WrongCredential"), "{again}");
        assert!(shown(&talk.step(&Event::Start)).starts_with("send"));
    }
}

#[test]
fn a_login_that_fails_is_refused() {
    for (status, body, cause) in [
        (200, "WRONG password", "WrongCredential: the login at https://x.example has failed"),
        (404, "WRONG password", "WrongCredential: the login at https://x.example has failed"),
        (200, "Hello", "WrongCredential: the login at https://x.example has failed"),
        (404, "", "WrongCredential: the login at https://x.example is refused with status 404"),
        (200, "Welcome", "OtherScheme: the login gives no cookie for this server"),
    ] {
        let mut talk = Talk(State::default());
        talk.step(&Event::Start);
        talk.sub(200, &[], PAGE);
        assert_eq!(shown(&talk.sub(status, &[], body)), cause, "{status} {body}");
    }
    let mut talk = Talk(State::default());
    talk.step(&Event::Start);
    let without = shown(&talk.sub(200, &[], "<form>"));
    assert!(without.starts_with("OtherScheme: the login page has no field `csrf`"), "{without}");
}

#[test]
fn options_are_checked() {
    let with = |name: &str, items: &[&str]| {
        let list = |items: &[&str]| Value::List(items.iter().map(|&it| it.to_owned()).collect());
        let values = Values::new().with("fields", list(&["a={password}"])).with(name, list(items));
        open("html-form", &values)
    };
    assert!(with("success", &["ok"]).is_ok());
    for (name, items) in [
        ("fields", &[][..]),
        ("fields", &["a"]),
        ("fields", &["a=1", "a=2"]),
        ("hidden", &["a"]),
        ("success", &["("]),
        ("failure", &["["]),
    ] {
        assert!(with(name, items).is_err(), "{name} {items:?}");
    }
}
