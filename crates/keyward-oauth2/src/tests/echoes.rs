//! Servers that repeat secrets bring none into a message.

use keyward_core::{Error, ErrorKind};

use super::memory::Memory;
use super::*;
use crate::{Authorization, Grant, Wanted};

fn get(tokens: &Tokens, memory: &Memory) -> Result<Record> {
    tokens.get(memory, &id(), Wanted::Good)
}

#[test]
fn a_server_that_repeats_what_it_received_brings_no_secret_into_a_message() {
    let with_secret = |how: &str| {
        expired()
            .with(fields::CLIENT_SECRET, Field::secret("client secret"))
            .with(fields::CLIENT_AUTHENTICATION, Field::open(how))
            .with(fields::REFRESH_TOKEN, Field::secret("refresh/1"))
    };
    for how in ["basic", "post"] {
        for in_code in [false, true] {
            let (world, memory) = (World::new(), Memory::with(with_secret(how)));
            let tokens = world.tokens(move |request| {
                let header = request.headers().get("authorization");
                let header = header.map_or("", |header| header.to_str().unwrap());
                let echo = format!("{header} {}", request.body().expose_str().unwrap());
                let (error, more) =
                    if in_code { (echo.as_str(), "x") } else { ("invalid_grant", echo.as_str()) };
                answer(400, format!(r#"{{"error":"{error}","error_description":"{more}"}}"#))
            });
            let error = get(&tokens, &memory).unwrap_err();
            let state = value(&memory.record(), fields::REFRESH_STATE).to_owned();
            for text in [error.report().to_string(), state] {
                for secret in ["refresh/1", "refresh%2F1", "secret=", "Basic "] {
                    assert!(!text.contains(secret), "{how}: {text}");
                }
            }
        }
    }
}

/// The secret fields of a record, of which each request sends a few at most.
const SECRETS: [&str; 9] = [
    fields::ACCESS_TOKEN,
    fields::ACTOR_TOKEN,
    fields::CLIENT_SECRET,
    fields::DEVELOPER_TOKEN,
    fields::ID_TOKEN,
    fields::PRIVATE_KEY,
    fields::REFRESH_TOKEN,
    fields::SUBJECT_TOKEN,
    "own_secret",
];

/// A record with all of them, whose client says only its name.
fn with_every_secret() -> Record {
    let open = [
        (fields::CLIENT_AUTHENTICATION, "none"),
        (fields::AUTHORIZATION_URL, "https://as.example/authorize"),
        (fields::DEVELOPER_TOKEN_URL, "https://as.example/developer"),
        (fields::DEVICE_URL, "https://as.example/device"),
        (fields::REVOCATION_URL, "https://as.example/revoke"),
        (fields::INTROSPECTION_URL, "https://as.example/introspect"),
    ];
    let record = open
        .iter()
        .fold(expired(), |record, (name, value)| record.with(*name, Field::open(*value)));
    SECRETS
        .iter()
        .fold(record, |record, name| record.with(*name, Field::secret(format!("the/{name}"))))
}

#[test]
fn a_server_that_repeats_a_secret_that_was_not_sent_brings_none_into_a_message() {
    for name in SECRETS {
        for echo in [format!("the/{name}"), format!("{name}=the%2F{name}")] {
            for (code, description) in [("invalid_request", &*echo), (&*echo, "x")] {
                let body = format!(r#"{{"error":"{code}","error_description":"{description}"}}"#);
                let tokens = World::new().tokens(move |_| answer(400, body.clone()));
                for error in errors(&tokens, code, description) {
                    let report = error.report().to_string();
                    assert!(!report.contains("the/") && !report.contains("the%2F"), "{report}");
                }
            }
        }
    }
}

/// Returns the error of everything that a server, which answers with this one, can be asked.
fn errors(tokens: &Tokens, code: &str, description: &str) -> Vec<Error> {
    let record = with_every_secret;
    let grants = [
        Grant::AuthorizationCode {
            code: "c".into(),
            redirect_uri: "u".into(),
            verifier: "v".into(),
        },
        Grant::ClientCredentials,
        Grant::DeveloperToken,
        Grant::DeviceCode("dev1ce".into()),
        Grant::JwtBearer(Some("s1gned".into())),
        Grant::Password { username: "ann".into(), password: "p4ss".into() },
        Grant::RefreshToken("r3fresh".into()),
        Grant::TokenExchange,
    ];
    let mut errors: Vec<_> =
        grants.iter().map(|grant| tokens.request(record(), grant).unwrap_err()).collect();
    errors.push(tokens.device_code(&record()).unwrap_err());
    errors.push(tokens.revoke(&record(), fields::ACCESS_TOKEN).unwrap_err());
    errors.push(tokens.introspect(&record()).unwrap_err());
    let login = Authorization::new(&record(), "http://127.0.0.1/cb").unwrap();
    let state = login.url().split("&state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let answer = format!("error={code}&error_description={description}&state={state}");
    errors.push(login.grant(&format!("http://127.0.0.1/cb?{answer}")).unwrap_err());
    assert_eq!(errors.last().unwrap().kind(), ErrorKind::Unauthorized);
    errors
}
