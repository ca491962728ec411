//! What a hostile or broken server sends does no harm.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use keyward_core::ErrorKind;

use super::*;
use crate::{Authorization, Grant, authorization, scheme};

/// Texts that are no URL to which a request or a browser may go.
const NO_ENDPOINTS: [&str; 8] = [
    "--browser=evil",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "https://u:p@evil.example/",
    "http://evil.example/",
    "ftp://evil.example/",
    "/authorize",
    "https:\\\\evil.example/",
];

#[test]
fn an_endpoint_that_an_issuer_publishes_is_a_safe_url() {
    let names = [
        "authorization_endpoint",
        "token_endpoint",
        "device_authorization_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
    ];
    let issuer =
        || Record::new(names::OAUTH2).with(fields::ISSUER, Field::open("https://as.example"));
    for name in names {
        for url in NO_ENDPOINTS.map(|url| url.replace('\\', "\\\\")) {
            let body = format!(r#"{{"issuer":"https://as.example","{name}":"{url}"}}"#);
            let tokens = World::new().tokens(move |_| answer(200, body.clone()));
            assert!(tokens.discover(issuer()).is_err(), "{name}: {url}");
        }
        let body = format!(r#"{{"issuer":"https://as.example","{name}":"http://127.0.0.1:1/x"}}"#);
        let tokens = World::new().tokens(move |_| answer(200, body.clone()));
        tokens.discover(issuer()).unwrap();
    }
}

#[test]
fn a_record_with_another_url_opens_no_browser_and_sends_nothing() {
    for url in NO_ENDPOINTS {
        let record = expired()
            .with(fields::AUTHORIZATION_URL, Field::open(url))
            .with(fields::REVOCATION_URL, Field::open(url));
        assert!(Authorization::new(&record, "http://127.0.0.1/cb").is_err(), "{url}");
        let world = World::new();
        let tokens = world.tokens(|_| answer(200, ""));
        assert!(tokens.revoke(&record, fields::ACCESS_TOKEN).is_err(), "{url}");
        assert_eq!(world.requests(), 0, "{url}");
    }
}

#[test]
fn a_client_s_secret_in_base64_is_a_secret_too() {
    for secret in ["s3cret", "a/b+c ~?>", "a%41b"] {
        let record = expired().with(fields::CLIENT_SECRET, Field::secret(secret));
        let escaped = percent_encoding::utf8_percent_encode(secret, crate::client::FORM);
        let pairs = [format!("cli:{secret}"), format!("cli:{escaped}")];
        let mut echoes = vec![secret.to_owned(), escaped.to_string()];
        echoes.extend(pairs.iter().map(|pair| BASE64_STANDARD.encode(pair)));
        echoes.extend(pairs.iter().map(|pair| BASE64_URL_SAFE_NO_PAD.encode(pair)));
        for echo in echoes {
            let body = format!(r#"{{"error":"invalid_client","error_description":"auth {echo}"}}"#);
            let tokens = World::new().tokens(move |_| answer(401, body.clone()));
            let error = tokens.request(record.clone(), &Grant::ClientCredentials).unwrap_err();
            assert!(!error.report().contains(&echo), "{}", error.report());
        }
    }
}

#[test]
fn a_type_of_token_is_one_word() {
    for wrong in ["Bearer\\r\\nX-Evil: 1", "a b", "\\u001b[2J", "b\u{e4}r"] {
        let body = format!(r#"{{"access_token":"access-2","token_type":"{wrong}"}}"#);
        let tokens = World::new().tokens(move |_| answer(200, body.clone()));
        let error = tokens.request(expired(), &Grant::ClientCredentials).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{wrong}");
    }
    let stored = expired().with(fields::TOKEN_TYPE, Field::open("x\r\nX-Evil: 1"));
    assert_eq!(scheme(&stored), "Bearer");
    assert_eq!(authorization(&stored).unwrap().as_bytes(), b"Bearer access-1");
}

#[test]
fn a_device_sleeps_neither_long_nor_past_the_end_of_its_code() {
    for (interval, life, pauses) in
        [("500000", 100, vec![60, 40]), ("7", 16, vec![7, 7, 2]), ("0", 2, vec![1, 1])]
    {
        let tokens = World::new().tokens(move |request| match request.uri().path() {
            "/device" => answer(
                200,
                format!(
                    r#"{{"device_code":"d","user_code":"u","verification_uri":"https://x/","expires_in":{life},"interval":{interval}}}"#
                ),
            ),
            _ => answer(400, r#"{"error":"authorization_pending"}"#),
        });
        let record = expired().with(fields::DEVICE_URL, Field::open("https://as.example/device"));
        let device = tokens.device_code(&record).unwrap();
        let mut slept = Vec::new();
        tokens.await_device(record, &device, |pause| slept.push(pause.as_secs())).unwrap_err();
        assert_eq!(slept, pauses);
    }
}

#[test]
fn a_token_of_a_type_that_the_server_does_not_revoke_is_no_failure() {
    let record = expired().with(fields::REVOCATION_URL, Field::open("https://as.example/revoke"));
    let tokens = World::new().tokens(|_| answer(400, r#"{"error":"unsupported_token_type"}"#));
    tokens.revoke(&record, fields::ACCESS_TOKEN).unwrap();
    tokens.revoke(&record, fields::REFRESH_TOKEN).unwrap_err();
}

#[test]
fn an_issuer_that_names_itself_in_callbacks_does_so_always() {
    let body = |more: &str| {
        let url = "https://as.example";
        format!(
            r#"{{"issuer":"{url}","authorization_endpoint":"{url}/a","token_endpoint":"{url}/t"{more}}}"#
        )
    };
    let flag = ",\"authorization_response_iss_parameter_supported\":";
    for (more, is_needed) in
        [(String::new(), false), (format!("{flag}false"), false), (format!("{flag}true"), true)]
    {
        let body = body(&more);
        let tokens = World::new().tokens(move |_| answer(200, body.clone()));
        let record = Record::new(names::OAUTH2)
            .with(fields::ISSUER, Field::open("https://as.example"))
            .with(fields::CLIENT_ID, Field::open("cli"));
        let record = tokens.discover(record).unwrap();
        let login = Authorization::new(&record, "http://127.0.0.1/cb").unwrap();
        let state = login.url().split("&state=").nth(1).unwrap().split('&').next().unwrap();
        let callback = format!("http://127.0.0.1/cb?code=c&state={state}");
        assert_eq!(login.grant(&callback).is_err(), is_needed, "{more}");
        login.grant(&format!("{callback}&iss=https%3A%2F%2Fas.example")).unwrap();
    }
}
