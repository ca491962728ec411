//! What is signed, what is refused, and what the answers mean.

use keyward_plugin::{Field, Secret, Value, Values};

use super::*;
use crate::{hash_body, open};

fn signer(options: &[(&str, &str)]) -> Result<Box<dyn Authenticator>> {
    let values = options.iter().fold(Values::new(), |values, (name, value)| {
        values.with(*name, Value::Text((*value).into()))
    });
    open(NAME, &values)
}

fn key() -> Record {
    Record::new("s3")
        .with("access_key_id", Field::open("AKID"))
        .with("secret_access_key", Field::secret("s3cret"))
}

fn request(url: &str) -> RequestHead {
    RequestHead { method: "GET".into(), url: url.into(), headers: Vec::new() }
}

fn step(record: Option<&Record>, event: &Event<'_>) -> Step {
    let signer = signer(&[]).unwrap();
    signer.step(&request("https://x.example/a"), record, event, &mut State::default()).unwrap()
}

fn authorization(options: &[(&str, &str)], record: &Record) -> String {
    let hash = hash_body(HashKind::Sha256, &b""[..]).unwrap();
    let event = Event::BodyHash(&hash);
    let request = request("https://x.example/a");
    let step = signer(options).unwrap().step(&request, Some(record), &event, &mut State::default());
    let Step::Send(additions) = step.unwrap() else { panic!("nothing is sent") };
    let header = additions.headers.iter().find(|it| it.name.eq_ignore_ascii_case("authorization"));
    header.unwrap().value.expose_str().unwrap().to_owned()
}

#[test]
fn the_region_is_that_of_the_provider_then_of_the_credential() {
    let of_key = key().with("region", Field::open("eu-west-1"));
    for (options, record, scope) in [
        (&[][..], key(), "us-east-1/s3"),
        (&[], of_key.clone(), "eu-west-1/s3"),
        (&[("region", "x-1"), ("service", "execute-api")], of_key, "x-1/execute-api"),
    ] {
        let header = authorization(options, &record);
        assert!(header.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"), "{header}");
        assert!(header.contains(&format!("/{scope}/aws4_request, ")), "{header}");
    }
}

/// AWS SDK for .NET (CVE-2026-22611) and for Go: the region became a part of the host.
#[test]
fn a_region_and_a_service_are_labels() {
    for text in ["evil.example/", "a.b", "a/b", "A", "a@b", "", "-a", "a-", "a#", "a\n", "é"] {
        for option in ["region", "service"] {
            assert!(signer(&[(option, text)]).is_err(), "{option} {text:?}");
        }
    }
    for text in ["evil.example/", "a.b", "a/b", "-a"] {
        let record = key().with("region", Field::open(text));
        assert!(matches!(step(Some(&record), &Event::Start), Step::Refuse(_)), "{text:?}");
    }
    assert!(signer(&[("region", &"a".repeat(1 << 20))]).is_err());
    assert!(signer(&[("endpoint", "https://x.example/path")]).is_err());
}

#[test]
fn a_credential_that_cannot_sign_is_refused() {
    let start = |record: &Record| match step(Some(record), &Event::Start) {
        Step::Refuse(refusal) => refusal.why,
        step => panic!("{step:?}"),
    };
    assert!(start(&Record::new("token")).contains("`token` does not have an access key"));
    assert!(start(&Record::new("aws")).contains("does not have an access key"));
    let strange = key().with("access_key_id", Field::open("AKID, SignedHeaders=host"));
    assert!(start(&strange).contains("characters"));
    let past = keyward_plugin::Timestamp::from_unix(1_000_000);
    assert_eq!(start(&key().with_expires(Some(past))), "the access key has expired");
    let step = step(None, &Event::Start);
    assert!(matches!(step, Step::Refuse(it) if it.cause == RefusalCause::NeedsCredential));
}

/// A redirect to a signed URL: object stores answer 400 to two signatures (gradle-download-task#382).
#[test]
fn a_url_that_is_signed_is_not_signed_again() {
    let signer = signer(&[]).unwrap();
    let start = |url: &str| {
        signer.step(&request(url), Some(&key()), &Event::Start, &mut State::default()).unwrap()
    };
    assert_eq!(start("https://x/a?b=c&X-Amz-Signature=d"), Step::Send(Additions::default()));
    assert_eq!(start("https://x/a?b=X-Amz-Signature"), Step::HashBody(HashKind::Sha256));
}

#[test]
fn the_answer_says_whether_the_key_is_wrong() {
    let judged = |status, body: &str| {
        let (headers, body_start) = (Vec::new(), Secret::from(body));
        step(Some(&key()), &Event::Answered(&ResponseHead { status, headers, body_start }))
    };
    let why = |step: Step| match step {
        Step::Refuse(refusal) => refusal.why,
        step => panic!("{step:?}"),
    };
    for (status, code) in
        [(403, "SignatureDoesNotMatch"), (403, "InvalidAccessKeyId"), (400, "ExpiredToken")]
    {
        let body = format!("<Error><Code>{code}</Code></Error>");
        assert!(why(judged(status, &body)).ends_with(code));
    }
    assert_eq!(judged(403, "<Error><Code>AccessDenied</Code></Error>"), Step::Accept);
    assert_eq!(judged(200, "SignatureDoesNotMatch"), Step::Accept);
    // A silent fall to an older signature (aws-sdk-net#3964): no answer makes another one.
    assert!(matches!(judged(401, "AWS2"), Step::Refuse(_)));
    let malformed = |region: &str| {
        why(judged(400, &format!("AuthorizationHeaderMalformed <Region>{region}</Region>")))
    };
    assert!(malformed("eu-west-1").ends_with("for the region `eu-west-1`"));
    assert!(malformed("evil.example/").ends_with("for another region"));
}
