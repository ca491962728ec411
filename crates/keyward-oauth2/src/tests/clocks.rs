//! The clock of this machine and that of the server differ.

use keyward_core::ErrorKind;
use rcgen::{KeyPair, PKCS_ED25519};

use super::*;
use crate::Grant;

/// The time of the server in these tests: an hour ahead of 1,000,000.
const DATE: &str = "Mon, 12 Jan 1970 14:46:40 GMT";
const SERVER: u64 = 1_003_600;

fn dated(status: u16, body: &str, date: &str) -> Result<Response<Secret>> {
    let mut response = answer(status, body)?;
    response.headers_mut().insert("date", date.parse().unwrap());
    Ok(response)
}

#[test]
fn the_end_of_a_token_holds_by_the_clock_of_this_machine() {
    for (date, difference) in [
        (DATE, 3600),
        ("Mon, 12 Jan 1970 12:46:40 GMT", -3600),
        // What the way of an answer explains.
        ("Mon, 12 Jan 1970 13:46:37 GMT", 0),
        ("yesterday", 0),
    ] {
        let tokens = World::new()
            .tokens(move |_| dated(200, r#"{"access_token":"access-2","expires_in":600}"#, date));
        let record = tokens.request(expired(), &Grant::ClientCredentials).unwrap();
        let expires = record.field(fields::ACCESS_TOKEN).unwrap().expires.unwrap();
        assert_eq!(expires.as_unix(), 1_000_600, "{date}");
        assert_eq!(tokens.clock_difference(), difference, "{date}");
    }
}

/// Returns when the assertion in a request was signed.
fn signed(request: &Request<Secret>) -> u64 {
    let body = request.body().expose_str().unwrap();
    let assertion = body.split("assertion=").last().unwrap().split('&').next().unwrap();
    let claims = crate::claims(&assertion.into()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(claims.expose()).unwrap();
    claims["iat"].as_u64().unwrap()
}

#[test]
fn an_assertion_is_signed_again_at_the_time_of_the_server() {
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let record = expired().with(fields::PRIVATE_KEY, Field::secret(key.serialize_pem()));
    for grant in [Grant::RefreshToken("refresh-1".into()), Grant::JwtBearer(None)] {
        let world = World::new();
        let refusal = match grant {
            Grant::JwtBearer(_) => r#"{"error":"invalid_grant"}"#,
            _ => r#"{"error":"invalid_client"}"#,
        };
        let tokens = world.tokens(move |request| match signed(request) {
            SERVER => dated(200, r#"{"access_token":"access-2"}"#, DATE),
            _ => dated(400, refusal, DATE),
        });
        tokens.request(record.clone(), &grant).unwrap();
        assert_eq!(world.requests(), 2);
        tokens.request(record.clone(), &grant).unwrap();
        assert_eq!(world.requests(), 3, "the time of the server is known now");
    }
    // What is refused for another reason is sent once.
    let world = World::new();
    let tokens = world.tokens(|_| dated(401, r#"{"error":"invalid_client"}"#, DATE));
    let secret = expired().with(fields::CLIENT_SECRET, Field::secret("wrong"));
    let error = tokens.request(secret, &Grant::ClientCredentials).unwrap_err();
    assert_eq!((error.kind(), world.requests()), (ErrorKind::Unauthorized, 1));
}

#[test]
fn no_server_says_that_it_is_another_day() {
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let record = expired().with(fields::PRIVATE_KEY, Field::secret(key.serialize_pem()));
    for date in ["Fri, 01 Jan 2100 00:00:00 GMT", "Wed, 14 Jan 1970 13:46:41 GMT"] {
        let world = World::new();
        let tokens = world.tokens(move |request| {
            assert_eq!(signed(request), 1_000_000);
            dated(400, r#"{"error":"invalid_client"}"#, date)
        });
        for requests in [1, 2] {
            tokens.request(record.clone(), &Grant::JwtBearer(None)).unwrap_err();
            assert_eq!(world.requests(), requests, "{date}");
        }
    }
}
