//! The examples of the RFCs, and what the steps are.

use keyward_plugin::{Field, Header, Secret};

use super::*;
use crate::hash_body;
use keyward_plugin::HashKind;

fn request() -> RequestHead {
    RequestHead {
        method: "GET".into(),
        url: "https://x.example/dir/index.html".into(),
        headers: Vec::new(),
    }
}

fn challenged(challenges: &[&str]) -> ResponseHead {
    let headers = challenges.iter().map(|it| Header::new("WWW-Authenticate", *it)).collect();
    ResponseHead { status: 401, headers, body_start: Secret::default() }
}

fn ann() -> Record {
    Record::new("user-password")
        .with("username", Field::open("ann"))
        .with("password", Field::secret("s3cret"))
}

/// Returns what is sent for a challenge with a known nonce of the client.
fn header(challenge: &str, user: &str, password: &str, uri: &str, cnonce: &str) -> String {
    let (offer, _) = Offer::strongest(&challenged(&[challenge])).unwrap();
    let answer = Answer {
        offer: &offer,
        method: "GET",
        uri,
        username: &user.into(),
        password: &password.into(),
        cnonce,
        count: 1,
        body: Some(&hash_body(offer.hash, &b""[..]).unwrap()),
    };
    answer.header().expose_str().unwrap().to_owned()
}

fn parameter(header: &str, name: &str) -> String {
    let read = Challenge::read([header]);
    read[0].parameter(name).unwrap_or_default().to_owned()
}

/// RFC 7616 section 3.9.1.
#[test]
fn the_example_with_md5_and_sha_256() {
    for (algorithm, response) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let challenge = format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
        let header = header(
            &challenge,
            "Mufasa",
            "Circle of Life",
            "/dir/index.html",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        );
        let expected = format!(
            "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", \
             response=\"{response}\", algorithm={algorithm}, \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", qop=auth, nc=00000001, \
             cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\""
        );
        assert_eq!(header, expected);
    }
}

/// RFC 7616 section 3.9.2. The hashes are those of erratum 4897: the RFC's own ones were made with
/// SHA-512, cut off, in place of SHA-512/256.
#[test]
fn the_example_with_sha_512_256_a_hashed_username_and_utf_8() {
    let header = header(
        "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, \
         nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", \
         opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8, userhash=true",
        "J\u{e4}s\u{f8}n Doe",
        "Secret, or not?",
        "/doe.json",
        "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
    );
    assert_eq!(
        parameter(&header, "username"),
        "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
    );
    assert_eq!(
        parameter(&header, "response"),
        "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
    );
    assert!(header.ends_with(", userhash=true"), "{header}");
}

/// RFC 2617 section 3.5, and the same without `qop` as in RFC 2069.
#[test]
fn the_examples_of_the_older_rfcs() {
    let sent = |qop: &str| {
        let challenge = format!(
            "Digest realm=\"testrealm@host.com\", {qop} nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
             opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""
        );
        header(&challenge, "Mufasa", "Circle Of Life", "/dir/index.html", "0a4f113b")
    };
    let new = sent("qop=\"auth,auth-int\",");
    assert_eq!(parameter(&new, "response"), "6629fae49393a05397450978507c4ef1");
    let old = sent("");
    assert_eq!(parameter(&old, "response"), "670fd8c2df070c60b045671b8b24ff02");
    assert!(!old.contains("cnonce") && !old.contains("algorithm"), "{old}");
}

#[test]
fn a_name_that_is_not_ascii_or_has_quotes_is_written_as_the_server_can_read_it() {
    let sent = |charset: &str, user: &str| {
        let challenge = format!("Digest realm=\"a \\\"b\\\"\", nonce=n, qop=auth{charset}");
        header(&challenge, user, "p", "/a?b=\"c\"", "c")
    };
    let utf8 = sent(", charset=UTF-8", "Ja\u{308}s%");
    assert!(
        utf8.starts_with("Digest username*=UTF-8''J%C3%A4s%25, realm=\"a \\\"b\\\"\","),
        "{utf8}"
    );
    assert!(utf8.contains("uri=\"/a?b=\\\"c\\\"\""), "{utf8}");
    assert!(sent("", "a\\\"b").starts_with("Digest username=\"a\\\\\\\"b\","));
    assert!(sent("", "Ja\u{308}s").starts_with("Digest username=\"Ja\u{308}s\","));
}

/// Takes the steps of one request.
struct Talk(State);

impl Talk {
    fn step(&mut self, event: &Event<'_>) -> Step {
        Digest::default().step(&request(), Some(&ann()), event, &mut self.0).unwrap()
    }

    /// Returns the header that is sent.
    fn sends(&mut self, event: &Event<'_>) -> String {
        match self.step(event) {
            Step::Send(additions) => {
                let header = additions.headers.first();
                header.map_or(String::new(), |header| header.value.expose_str().unwrap().to_owned())
            }
            step => panic!("{step:?}"),
        }
    }

    fn refuses(&mut self, event: &Event<'_>, cause: RefusalCause) {
        match self.step(event) {
            Step::Refuse(refusal) => assert_eq!(refusal.cause, cause, "{}", refusal.why),
            step => panic!("{step:?}"),
        }
    }
}

#[test]
fn the_strongest_offer_counts_and_unknown_ones_are_skipped() {
    let offers = challenged(&[
        "Digest realm=r, nonce=n1, qop=auth, algorithm=SHA-1024, Basic realm=r",
        "Digest realm=r, nonce=n2, qop=auth, Digest realm=r, nonce=n3, qop=auth, algorithm=SHA-256",
        "Digest realm=r, nonce=n4, qop=auth, algorithm=SHA-256-sess, Digest realm=r, algorithm=SHA-512-256",
    ]);
    let sent = Talk(State::default()).sends(&Event::Challenged(&offers));
    assert_eq!(parameter(&sent, "nonce"), "n3");
    for (challenge, part) in [
        ("Digest realm=r, nonce=n, algorithm=SHA-1024", "not known"),
        ("Digest realm=r, nonce=n, qop=\"auth-conf\"", "not known"),
        ("Digest realm=r, nonce=n, algorithm=MD5-sess", "not known"),
        ("Digest realm=r", "not known"),
        ("Basic realm=r", "but for basic"),
    ] {
        let step = Talk(State::default()).step(&Event::Challenged(&challenged(&[challenge])));
        let Step::Refuse(refusal) = step else { panic!("{challenge}") };
        assert_eq!(refusal.cause, RefusalCause::OtherScheme);
        assert!(refusal.why.contains(part), "{}", refusal.why);
    }
}

#[test]
fn an_old_nonce_is_replaced_once() {
    let first = challenged(&["Digest realm=r, nonce=n1, qop=auth"]);
    let stale = challenged(&["Digest realm=r, nonce=n2, qop=auth, stale=TRUE"]);
    let mut talk = Talk(State::default());
    talk.sends(&Event::Challenged(&first));
    let again = talk.sends(&Event::Answered(&stale));
    assert_eq!(
        (parameter(&again, "nonce"), parameter(&again, "nc")),
        ("n2".into(), "00000001".into())
    );
    talk.refuses(&Event::Answered(&stale), RefusalCause::WrongCredential);
    // Without `stale`, the password is wrong.
    talk.sends(&Event::Challenged(&first));
    talk.refuses(&Event::Answered(&first), RefusalCause::WrongCredential);
}

#[test]
fn a_nonce_is_used_again_with_a_count_until_the_server_names_the_next_one() {
    let challenge = challenged(&["Digest realm=r, nonce=n1, qop=auth"]);
    let mut talk = Talk(State::default());
    assert_eq!(talk.sends(&Event::Start), "");
    let ok = |info: &str| ResponseHead {
        status: 200,
        headers: vec![Header::new("Authentication-Info", info)],
        body_start: Secret::default(),
    };
    let count = |header: &str| (parameter(header, "nonce"), parameter(header, "nc"));
    assert_eq!(
        count(&talk.sends(&Event::Challenged(&challenge))),
        ("n1".into(), "00000001".into())
    );
    assert_eq!(talk.step(&Event::Answered(&ok("qop=auth"))), Step::Accept);
    assert_eq!(count(&talk.sends(&Event::Start)), ("n1".into(), "00000002".into()));
    // The same nonce in a new challenge does not begin to count again: that would be a replay.
    assert_eq!(
        count(&talk.sends(&Event::Challenged(&challenge))),
        ("n1".into(), "00000003".into())
    );
    talk.step(&Event::Answered(&ok("rspauth=\"x, y\", nextnonce=\"n2\"")));
    assert_eq!(count(&talk.sends(&Event::Start)), ("n2".into(), "00000001".into()));
    // A server that forgot the nonce gets a new answer, once.
    let other = challenged(&["Digest realm=r, nonce=n3, qop=auth"]);
    assert_eq!(count(&talk.sends(&Event::Answered(&other))), ("n3".into(), "00000001".into()));
    talk.refuses(&Event::Answered(&other), RefusalCause::WrongCredential);
}

#[test]
fn a_weaker_hash_than_before_is_refused() {
    let strong = challenged(&["Digest realm=r, nonce=n1, qop=auth, algorithm=SHA-256"]);
    let weak = challenged(&["Digest realm=r, nonce=n2, qop=auth, stale=true"]);
    let mut talk = Talk(State::default());
    talk.sends(&Event::Challenged(&strong));
    talk.refuses(&Event::Answered(&weak), RefusalCause::OtherScheme);
    talk.refuses(&Event::Challenged(&weak), RefusalCause::OtherScheme);
}

#[test]
fn the_body_is_hashed_if_nothing_less_is_accepted() {
    for (algorithm, kind) in [
        ("MD5", HashKind::Md5),
        ("sha-256-SESS", HashKind::Sha256),
        ("SHA-512-256", HashKind::Sha512_256),
    ] {
        let offer = format!("Digest realm=r, nonce=n, qop=\"auth-int\", algorithm={algorithm}");
        let mut talk = Talk(State::default());
        let step = talk.step(&Event::Challenged(&challenged(&[&offer])));
        assert_eq!(step, Step::HashBody(kind));
        let sent = talk.sends(&Event::BodyHash(&hash_body(kind, &b"body"[..]).unwrap()));
        assert_eq!(parameter(&sent, "qop"), "auth-int");
        assert_eq!(parameter(&sent, "nc"), "00000001");
        let other = talk.sends(&Event::BodyHash(&hash_body(kind, &b"other"[..]).unwrap()));
        assert_ne!(parameter(&sent, "response"), parameter(&other, "response"));
    }
}

#[test]
fn a_hostile_challenge_is_not_sent_back() {
    let long = "n".repeat(5000);
    for challenge in [
        format!("Digest realm=r, nonce={long}, qop=auth"),
        "Digest realm=\"a\u{1}\", nonce=n, qop=auth".to_owned(),
    ] {
        let mut talk = Talk(State::default());
        talk.refuses(&Event::Challenged(&challenged(&[&challenge])), RefusalCause::OtherScheme);
    }
}
