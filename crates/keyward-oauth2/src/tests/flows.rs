use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use keyward_core::ErrorKind;

use super::*;
use crate::{Authorization, Callback, DeviceCode, Grant};

fn record() -> Record {
    expired()
        .with(fields::ISSUER, Field::open("https://as.example"))
        .with(fields::AUTHORIZATION_URL, Field::open("https://as.example/authorize?tenant=1"))
        .with(fields::DEVICE_URL, Field::open("https://as.example/device"))
        .with(fields::SCOPE, Field::open("read write"))
}

/// Returns a parameter of the URL that the browser opens.
fn parameter(authorization: &Authorization, name: &str) -> String {
    let query = authorization.url().split_once('?').unwrap().1;
    let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    let found = found.unwrap_or_else(|| panic!("{name} in {query}"));
    percent_encoding::percent_decode_str(found).decode_utf8().unwrap().into_owned()
}

#[test]
fn the_url_asks_for_a_code_with_a_challenge_and_a_new_state() {
    let make = || Authorization::new(&record(), "http://127.0.0.1:7/cb").unwrap();
    let (one, other) = (make(), make());
    assert!(one.url().starts_with("https://as.example/authorize?tenant=1&response_type=code&"));
    for (name, expected) in [
        ("client_id", "cli"),
        ("redirect_uri", "http://127.0.0.1:7/cb"),
        ("scope", "read write"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(parameter(&one, name), expected);
    }
    for name in ["state", "code_challenge"] {
        assert_eq!(parameter(&one, name).len(), 43);
        assert_ne!(parameter(&one, name), parameter(&other, name));
    }
    let callback = format!("http://127.0.0.1:7/cb?code=c&state={}", parameter(&one, "state"));
    let Grant::AuthorizationCode { verifier, .. } = one.grant(&callback).unwrap() else { panic!() };
    // RFC 7636 section 4.6.
    use base64::Engine;
    use sha2::Digest;
    let challenge =
        base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier.expose()));
    assert_eq!(parameter(&one, "code_challenge"), challenge);
    let printed = format!("{one:?}");
    assert!(!printed.contains(verifier.expose_str().unwrap()));
}

/// Sends a request and returns the status of the answer.
fn send(host: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    drop(stream.read_to_string(&mut answer));
    answer.split(' ').nth(1).unwrap_or("none").to_owned()
}

#[test]
fn of_all_callbacks_only_the_right_one_proceeds() {
    for is_ipv6 in [false, true] {
        let callback = Callback::listen(is_ipv6, 0, "/cb").unwrap();
        let uri = callback.redirect_uri();
        let host = uri.strip_prefix("http://").unwrap().strip_suffix("/cb").unwrap().to_owned();
        let authorization = Authorization::new(&record(), &uri).unwrap();
        let state = parameter(&authorization, "state");
        let get = |target: String| format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let with = |line: &str, header: &str| format!("{line} HTTP/1.1\r\n{header}\r\n\r\n");
        let right = format!("/cb?code=right&state={state}");
        let wrong = [
            get("/cb?code=c".into()),
            get("/cb?code=c&state=".into()),
            get(format!("/cb?code=c&state={state}&state={state}")),
            get(format!("/cb?code=c&state={}", "x".repeat(43))),
            get(format!("/other?code=c&state={state}")),
            get(format!("/cb/?code=c&state={state}")),
            get(format!("/cb?state={state}")),
            get(format!("/cb?code=&state={state}")),
            get(format!("/cb?code=c&code=d&state={state}")),
            get(format!("/cb?code=c&state={state}&iss=https%3A%2F%2Fevil.example")),
            get("/cb?error=access_denied&state=guessed".into()),
            with(&format!("HEAD {right}"), &format!("Host: {host}")),
            with(&format!("POST {right}"), &format!("Host: {host}")),
            with(&format!("GET {right}"), &format!("Host: {host}\r\nOrigin: https://evil.example")),
            with(&format!("GET {right}"), "Host: evil.example"),
            with(&format!("GET {right}"), "X: y"),
            with(&format!("GET {right}"), &format!("Host: {host}\r\nHost: {host}")),
            "nonsense\r\n\r\n".to_owned(),
        ];
        thread::scope(|scope| {
            let waiting = scope.spawn(|| callback.wait(&authorization, Duration::from_secs(60)));
            // A connection on which nothing comes does not hold up the others.
            let _idle = TcpStream::connect(&host).unwrap();
            for request in &wrong {
                assert_eq!(send(&host, request), "400", "{request}");
                assert!(!waiting.is_finished(), "{request}");
            }
            assert_eq!(send(&host, &get(right + "&iss=https%3A%2F%2Fas.example")), "200");
            let grant = waiting.join().unwrap().unwrap().unwrap();
            let Grant::AuthorizationCode { code, redirect_uri, .. } = grant else { panic!() };
            assert_eq!((code.expose(), redirect_uri), (&b"right"[..], uri.clone()));
        });
        // A second one finds no listener.
        drop(callback);
        assert!(TcpStream::connect(&host).is_err());
    }
}

#[test]
fn a_refusal_ends_the_login_and_silence_does_too() {
    let callback = Callback::listen(false, 0, "/cb").unwrap();
    let authorization = Authorization::new(&record(), &callback.redirect_uri()).unwrap();
    assert!(callback.wait(&authorization, Duration::ZERO).unwrap().is_none());
    let state = parameter(&authorization, "state");
    let refusal = "error=access_denied&error_description=no%1b%5b2J";
    let error =
        authorization.grant(&format!("{}?{refusal}&state={state}", callback.redirect_uri()));
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(error.message(), "the server says access_denied: no\\u{1b}[2J");
}

#[test]
fn a_port_that_is_in_use_is_an_error() {
    let first = Callback::listen(false, 0, "/").unwrap();
    let port = first.redirect_uri().trim_end_matches('/').rsplit(':').next().unwrap().parse();
    let error = Callback::listen(false, port.unwrap(), "/").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

/// A device login against these answers of the token endpoint. Returns the pauses too.
fn device_login(answers: &'static [(u16, &str)]) -> (Result<Record>, Vec<u64>) {
    let next = AtomicUsize::new(0);
    let tokens = World::new().tokens(move |request| match request.uri().path() {
        "/device" => {
            assert_eq!(request.body().expose(), b"scope=read%20write&client_id=cli");
            let codes = r#""device_code":"device-code-1","user_code":"AB-CD","verification_uri":"https://x/""#;
            answer(200, format!("{{{codes},\"expires_in\":60}}"))
        }
        _ => {
            let (status, body) =
                answers[next.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)];
            if status == 0 {
                Err(keyward_core::Error::new(ErrorKind::Unavailable, "x"))
            } else {
                answer(status, body)
            }
        }
    });
    let device: DeviceCode = tokens.device_code(&record()).unwrap();
    assert_eq!((&*device.user_code, &*device.verification_uri), ("AB-CD", "https://x/"));
    assert_eq!(device.life.as_secs(), 60);
    let pauses = Mutex::new(Vec::new());
    let result = tokens.await_device(record(), &device, |pause| {
        pauses.lock().unwrap().push(pause.as_secs());
    });
    (result, pauses.into_inner().unwrap())
}

const PENDING: (u16, &str) = (400, r#"{"error":"authorization_pending"}"#);
const SLOW_DOWN: (u16, &str) = (400, r#"{"error":"slow_down"}"#);
const ISSUED: (u16, &str) = (200, r#"{"access_token":"access-2","refresh_token":"r"}"#);

#[test]
fn a_device_asks_more_slowly_if_the_server_wants_that() {
    let (record, pauses) = device_login(&[PENDING, SLOW_DOWN, SLOW_DOWN, ISSUED]);
    assert_eq!(value(&record.unwrap(), fields::ACCESS_TOKEN), "access-2");
    assert_eq!(pauses, [5, 5, 10, 15]);
}

#[test]
fn a_device_goes_on_while_a_proxy_is_in_the_way() {
    let (record, pauses) = device_login(&[(502, "<html>"), (0, ""), PENDING, ISSUED]);
    assert!(record.is_ok());
    assert_eq!(pauses, [5, 5, 5, 5]);
}

#[test]
fn a_device_ends_when_the_user_refuses_or_the_code_expires() {
    for (answers, why, asked) in [
        (&[PENDING, (400, r#"{"error":"access_denied"}"#)][..], "the server says access_denied", 2),
        (&[(400, r#"{"error":"expired_token"}"#)], "the code has expired", 1),
        (&[PENDING], "the code has expired", 12),
        (&[(400, r#"{"error":"invalid_grant"}"#)], "the server says invalid_grant", 1),
    ] {
        let (result, pauses) = device_login(answers);
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), error.message(), pauses.len()),
            (ErrorKind::Unauthorized, why, asked)
        );
    }
}

#[test]
fn the_issuer_says_where_its_endpoints_are_and_no_other_issuer_may() {
    let metadata = |issuer: &str| {
        format!(
            r#"{{"issuer":"{issuer}","token_endpoint":"https://as.example/t","revocation_endpoint":"https://as.example/r"}}"#
        )
    };
    let tokens = |body: String, path: &'static str| {
        World::new().tokens(move |request| {
            assert_eq!(request.method(), "GET");
            if request.uri().path() == path { answer(200, body.clone()) } else { answer(404, "") }
        })
    };
    let record =
        |issuer: &str| Record::new(names::OAUTH2).with(fields::ISSUER, Field::open(issuer));
    for (issuer, path) in [
        ("https://as.example", "/.well-known/openid-configuration"),
        ("https://as.example/a/b", "/a/b/.well-known/openid-configuration"),
        ("https://as.example/a", "/.well-known/oauth-authorization-server/a"),
    ] {
        let found = tokens(metadata(issuer), path).discover(record(issuer)).unwrap();
        assert_eq!(value(&found, fields::TOKEN_URL), "https://as.example/t");
        assert_eq!(value(&found, fields::REVOCATION_URL), "https://as.example/r");
        let own = record(issuer).with(fields::TOKEN_URL, Field::open("https://own/t"));
        let found = tokens(metadata(issuer), path).discover(own).unwrap();
        assert_eq!(value(&found, fields::TOKEN_URL), "https://own/t");
        let error = tokens(metadata("https://evil"), path).discover(record(issuer)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        let error = tokens("<html>".into(), path).discover(record(issuer)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}

#[test]
fn a_token_is_revoked_and_introspected_where_its_record_says() {
    let record = record()
        .with(fields::REVOCATION_URL, Field::open("https://as.example/revoke"))
        .with(fields::INTROSPECTION_URL, Field::open("https://as.example/introspect"));
    let tokens = World::new().tokens(|request| match request.uri().path() {
        "/revoke" => {
            let sent = b"token=refresh-1&token_type_hint=refresh_token&client_id=cli";
            assert_eq!(request.body().expose_str(), Some(&*String::from_utf8_lossy(sent)));
            answer(200, "")
        }
        _ => answer(200, r#"{"active":true}"#),
    });
    tokens.revoke(&record, fields::REFRESH_TOKEN).unwrap();
    assert_eq!(tokens.introspect(&record).unwrap().expose(), br#"{"active":true}"#);
    let down = World::new().tokens(|_| answer(503, "[]"));
    assert_eq!(
        down.revoke(&record, fields::ACCESS_TOKEN).unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    assert_eq!(down.introspect(&record).unwrap_err().kind(), ErrorKind::Unavailable);
    let error = down.revoke(&expired(), fields::ACCESS_TOKEN).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}
