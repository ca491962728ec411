use http::Response;
use keyward_core::ErrorKind;
use serde_json::Value;

use super::*;
use crate::response::{Answer, read};
use crate::secrets::Secrets;

fn read_answer(status: u16, body: &str) -> Answer {
    read(&answer(status, body).unwrap(), &Secrets::default())
}

#[test]
fn the_vectors_are_read_as_they_say() {
    let vectors: Value = serde_json::from_str(include_str!("token_responses.json")).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 14);
    for case in cases {
        let body = case["body"].as_str().unwrap();
        let read = read_answer(case["status"].as_u64().unwrap() as u16, body);
        let life = match &read {
            Answer::Issued(issued) => issued.access.as_ref().ok().map(|access| access.life),
            _ => None,
        };
        let seconds = life.map(|life| life.map(|life| life.as_secs()));
        let hundred_years = 100 * 366 * 24 * 60 * 60;
        match case["id"].as_str().unwrap() {
            "ok" => assert_eq!(seconds, Some(Some(3600))),
            "exp-3" => assert_eq!(seconds, Some(Some(0))),
            "exp-5" => assert_eq!(seconds, Some(Some(1))),
            "exp-8" | "exp-9" => assert_eq!(seconds, Some(Some(hundred_years))),
            "no-exp" => assert_eq!(seconds, Some(None)),
            "exp-2" | "exp-10" | "at-crlf" | "at-huge" | "device-code-esc" => {
                assert!(
                    matches!(&read, Answer::Issued(issued) if issued.access.is_err()),
                    "{case}"
                );
            }
            "err-invalid_scope" => assert!(
                matches!(&read, Answer::Failed(failure) if failure.error.kind() == ErrorKind::Invalid)
            ),
            "503-retry-after" => assert!(matches!(
                &read,
                Answer::Failed(failure) if failure.error.kind() == ErrorKind::Unavailable
            )),
            "device-access_denied" => assert!(matches!(
                &read,
                Answer::Failed(failure) if failure.error.kind() == ErrorKind::Unauthorized
            )),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn what_is_not_an_oauth_answer_is_unavailable_and_not_quoted() {
    let deep = format!("{{\"access_token\":{}1", "[".repeat(100_000));
    for (status, body) in [
        (200, "<html>s3cret</html>"),
        (200, ""),
        (200, "[]"),
        (200, "{\"access_token\":\"s3cret\",\"access_token\":\"s3cret\"}"),
        (200, "{\"access_token\":\"s3cret\""),
        (200, &deep),
        (302, ""),
        (403, "<html>captive portal s3cret</html>"),
        (500, "{\"message\":\"s3cret\"}"),
        (502, "bad gateway"),
    ] {
        let Answer::Failed(failure) = read_answer(status, body) else {
            panic!("{status} {body:.40}")
        };
        assert_eq!(failure.error.kind(), ErrorKind::Unavailable, "{status} {body:.40}");
        assert!(!failure.error.report().contains("s3cret"));
    }
}

#[test]
fn an_error_is_shown_in_the_servers_words_without_control_characters() {
    let body = r#"{"error":"invalid_grant","error_description":"gone\u001b[2J"}"#;
    let Answer::GrantRefused(why) = read_answer(400, body) else { panic!() };
    assert_eq!(why, "the server says invalid_grant: gone\\u{1b}[2J");
    let body = format!(r#"{{"error":"server_error","error_description":"{}"}}"#, "x".repeat(9000));
    let Answer::Failed(failure) = read_answer(400, &body) else { panic!() };
    assert!(failure.error.message().len() < 300);
    // GitHub reports errors with status 200.
    let Answer::Failed(failure) = read_answer(200, r#"{"error":"incorrect_client_credentials"}"#)
    else {
        panic!()
    };
    assert_eq!(failure.error.kind(), ErrorKind::Unavailable);
}

#[test]
fn a_server_may_ask_for_a_pause() {
    let response = |value: &str| {
        let response = Response::builder().status(429).header("retry-after", value);
        match read(&response.body(Secret::default()).unwrap(), &Secrets::default()) {
            Answer::Failed(failure) => failure.retry_after.map(|pause| pause.as_secs()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(response("120"), Some(120));
    assert_eq!(response("Wed, 21 Oct 2026 07:28:00 GMT"), None);
    assert_eq!(response("-1"), None);
}
