//! What is said of authenticators comes back, and each limit is the one of the specification.

use keyward_core::{
    Additions, Event, HashKind, Header, MAX_ASKS, MAX_BODY_START, MAX_STEPS, MAX_SUB_BODY, Refusal,
    RefusalCause, RequestHead, ResponseHead, State, Step, SubRequest, SubResponse,
};

use super::limits::says;
use super::*;
use crate::message::authenticator::{
    MAX_HASH, MAX_METHOD, MAX_PEM, MAX_URL, Received, check_answer, check_call, read_answer,
    write_answer, write_call,
};
use crate::message::pairs::{MAX_PAIRS, MAX_PAIRS_BYTES};

fn request(method: &str, url: &str, headers: Vec<Header>) -> RequestHead {
    RequestHead { method: method.into(), url: url.into(), headers }
}

fn response(headers: Vec<Header>, body_start: &[u8]) -> ResponseHead {
    ResponseHead { status: 401, headers, body_start: Secret::from(body_start) }
}

fn state(values: &[(&str, &str)]) -> State {
    let mut state = State::default();
    values.iter().for_each(|(name, value)| state.set(*name, *value));
    state
}

fn ask(url: &str, body: &[u8]) -> Step {
    let head = request("POST", url, Vec::new());
    Step::Ask(Box::new(SubRequest { head, body: Secret::from(body), carries_credential: false }))
}

/// Returns the frames of the example, each with its sender.
pub(super) fn conversation() -> Vec<(&'static str, Secret)> {
    let data = request("GET", "https://data.example/file", Vec::new());
    let given = SubResponse {
        head: ResponseHead { status: 200, ..response(Vec::new(), b"t0ken") },
        body: Secret::from("t0ken"),
    };
    let steps = [
        (Event::Start, state(&[]), ask("https://login.example/", b""), state(&[])),
        (
            Event::Sub(&given),
            state(&[]),
            Step::Send(Additions::header("X-Token", "t0ken")),
            state(&[("token", "t0ken")]),
        ),
    ];
    let mut frames = vec![
        (
            "host",
            call(Some(2), "open", Some(1), |fields| {
                fields.put("role", "authenticator").put("name", "example.token");
                fields.put("options", "{}");
            })
            .unwrap(),
        ),
        ("child", answer(2, "open", nothing).unwrap()),
    ];
    for (id, (event, before, step, after)) in (3..).zip(&steps) {
        let write = |fields: &mut Fields<'_>| write_call(fields, &data, event, before);
        frames.push(("host", call(Some(id), "step", Some(1), write).unwrap()));
        let write = |fields: &mut Fields<'_>| write_answer(fields, step, after);
        frames.push(("child", answer(id, "step", write).unwrap()));
    }
    frames
}

/// What a child reads of a call, as text; `None` if it refuses it.
fn heard(request: &RequestHead, event: &Event<'_>, state: &State) -> Option<String> {
    let write = |fields: &mut Fields<'_>| write_call(fields, request, event, state);
    let frame = call(Some(1), "step", Some(1), write).unwrap();
    let Ok(Message::Call(call)) = Message::read(&frame.expose()[4..]) else { panic!() };
    let received = Received::read(&call.arguments).ok();
    assert_eq!(received.is_some(), check_call(request, event, state).is_ok());
    let received = received?;
    assert!(received.request == *request && received.state == *state);
    Some(format!("{:?}", received.event()))
}

/// What a host reads of an answer; `None` if it refuses it.
fn said(step: &Step, state: &State) -> Option<Step> {
    let write = |fields: &mut Fields<'_>| write_answer(fields, step, state);
    let frame = answer(1, "step", write).unwrap();
    let Ok(Message::Answer { outcome: Ok(fields), .. }) = Message::read(&frame.expose()[4..])
    else {
        panic!()
    };
    let read = read_answer(&fields).ok();
    assert_eq!(read.is_some(), check_answer(step, state).is_ok());
    let (read, learned) = read?;
    assert!(learned == *state);
    Some(read)
}

#[test]
fn every_event_comes_back() {
    let header = || vec![Header::new("X-A", &[0, 0xff, b'\n'][..])];
    let head = response(header(), b"start");
    let sub = SubResponse { head: head.clone(), body: Secret::from(&[0xff; 9][..]) };
    let request = request("PUT", "https://x.example/a?b", header());
    for event in [
        Event::Start,
        Event::Challenged(&head),
        Event::Answered(&head),
        Event::Sub(&sub),
        Event::BodyHash(&[7; 32]),
    ] {
        let state = state(&[("a", "1"), ("", "")]);
        assert_eq!(heard(&request, &event, &state), Some(format!("{event:?}")));
    }
}

#[test]
fn every_step_comes_back() {
    let full = Additions {
        headers: vec![Header::new("A", "1"), Header::new("A", "2")],
        query: vec![("q".into(), Secret::from("1"))],
        certificate: Some((b"pem".to_vec(), Secret::from("key"))),
    };
    let causes =
        [RefusalCause::NeedsCredential, RefusalCause::WrongCredential, RefusalCause::OtherScheme];
    let mut steps = vec![
        Step::Send(Additions::default()),
        Step::Send(full),
        ask("https://x.example", b"body"),
        Step::Accept,
    ];
    steps.extend([HashKind::Md5, HashKind::Sha256, HashKind::Sha512_256].map(Step::HashBody));
    steps.extend(causes.map(|cause| Step::refuse(cause, "why")));
    for step in steps {
        assert_eq!(said(&step, &state(&[("a", "1")])), Some(step));
    }
}

#[test]
fn the_reason_of_a_refusal_is_shown_without_control_characters() {
    let why = format!("a\x1b[2J{}", "x".repeat(100_000));
    let refusal = Step::Refuse(Refusal { cause: RefusalCause::OtherScheme, why });
    let Some(Step::Refuse(read)) = said(&refusal, &State::default()) else { panic!() };
    assert!(read.why.starts_with("a\\u{1b}[2J") && read.why.len() < 4200);
}

/// Checks that this size is accepted, and one more is not.
#[track_caller]
fn are_at_most(most: usize, taken: impl Fn(usize) -> bool) {
    assert!(taken(most), "{most} is too much");
    assert!(!taken(most + 1), "{most} is not the most");
}

#[test]
fn each_limit_is_that_of_the_specification() {
    says("at most 1,024 pairs");
    says("have at most 1,048,576 bytes together");
    says("A URL has at most 65,536 bytes and a method at most 64.");
    says("`body`: bytes, at most 1,048,576");
    says("`hash`: bytes, at most 64");
    says("the first bytes of the body, at most 10,000.");
    says("each at most 1,048,576 bytes, or neither");
    says(&format!("ends after {MAX_STEPS} steps and after {MAX_ASKS} requests"));
    assert_eq!((MAX_PAIRS, MAX_PAIRS_BYTES, MAX_URL), (1024, 1 << 20, 65_536));
    assert_eq!((MAX_SUB_BODY, MAX_BODY_START, MAX_PEM), (1 << 20, 10_000, 1 << 20));

    let empty = State::default();
    let plain = request("GET", "https://x.example", Vec::new());
    let hears = |request: &RequestHead, event: &Event<'_>| heard(request, event, &empty).is_some();
    are_at_most(MAX_URL, |size| hears(&request("GET", &"u".repeat(size), vec![]), &Event::Start));
    are_at_most(MAX_METHOD, |size| hears(&request(&"M".repeat(size), "", vec![]), &Event::Start));
    are_at_most(MAX_PAIRS, |count| {
        hears(&request("GET", "", vec![Header::new("", ""); count]), &Event::Start)
    });
    are_at_most(MAX_PAIRS_BYTES, |size| {
        let header = Header::new("a", &vec![0; size - 1][..]);
        hears(&plain, &Event::Answered(&response(vec![header], b"")))
    });
    are_at_most(MAX_PAIRS_BYTES, |size| {
        heard(&plain, &Event::Start, &state(&[("", &"x".repeat(size))])).is_some()
    });
    are_at_most(MAX_BODY_START, |size| {
        hears(&plain, &Event::Challenged(&response(Vec::new(), &vec![0; size])))
    });
    are_at_most(MAX_SUB_BODY, |size| {
        let sub = SubResponse { head: response(Vec::new(), b""), body: vec![0; size].into() };
        hears(&plain, &Event::Sub(&sub))
    });
    are_at_most(MAX_HASH, |size| hears(&plain, &Event::BodyHash(&vec![0; size])));

    let says = |step: &Step| said(step, &empty).is_some();
    are_at_most(MAX_PAIRS, |count| {
        let query = vec![(String::new(), Secret::default()); count];
        says(&Step::Send(Additions { query, ..Additions::default() }))
    });
    are_at_most(MAX_PAIRS_BYTES, |size| says(&Step::Send(Additions::header("", vec![0; size]))));
    are_at_most(MAX_PEM, |size| {
        let certificate = Some((vec![0; size], Secret::from("key")));
        says(&Step::Send(Additions { certificate, ..Additions::default() }))
    });
    are_at_most(MAX_SUB_BODY, |size| says(&ask("https://x.example", &vec![0; size])));
    are_at_most(MAX_URL, |size| says(&ask(&"u".repeat(size), b"")));
    are_at_most(MAX_PAIRS_BYTES, |size| {
        said(&Step::Accept, &state(&[("", &"x".repeat(size))])).is_some()
    });
}
