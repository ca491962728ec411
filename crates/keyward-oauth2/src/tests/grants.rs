//! Grants and clients that sign, exchange, or have a developer's token.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keyward_core::ErrorKind;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::{Value, json};

use super::memory::Memory;
use super::requests::sent;
use super::*;
use crate::{Grant, RefreshState, Wanted};

const ISSUER: &str = "https://as.example/i";

/// A client with a private key, and no tokens.
fn signing(key: &KeyPair) -> Record {
    let mut record = expired()
        .with(fields::ISSUER, Field::open(ISSUER))
        .with(fields::PRIVATE_KEY, Field::secret(key.serialize_pem()));
    record.fields.remove(fields::REFRESH_TOKEN);
    record.fields.remove(fields::ACCESS_TOKEN);
    record
}

fn with(record: Record, name: &str, value: &str) -> Record {
    record.with(name, Field::open(value))
}

/// Returns a parameter of a form.
fn parameter(body: &str, name: &str) -> String {
    let value = body.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    let value = value.unwrap_or_else(|| panic!("{name} in {body}"));
    percent_encoding::percent_decode_str(value).decode_utf8().unwrap().into_owned()
}

/// Returns the head and the claims of an assertion whose signature is right.
fn verified(
    assertion: &str,
    key: &KeyPair,
    algorithm: &'static dyn VerificationAlgorithm,
) -> (Value, Value) {
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(algorithm, key.public_key_raw())
        .verify(signed.as_bytes(), &signature)
        .unwrap();
    let part = |text| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap());
    let (head, claims) = signed.split_once('.').unwrap();
    (part(head).unwrap(), part(claims).unwrap())
}

#[test]
fn a_client_with_a_key_signs_who_it_is() {
    let p256 = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let ed25519 = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let keys: [(&KeyPair, &str, &dyn VerificationAlgorithm); 2] =
        [(&p256, "ES256", &ECDSA_P256_SHA256_FIXED), (&ed25519, "EdDSA", &ED25519)];
    for (key, name, algorithm) in keys {
        let record = with(signing(key), fields::KEY_ID, "key-1");
        let (_, body) = sent(record.clone(), &Grant::ClientCredentials);
        assert_eq!(
            parameter(&body, "client_assertion_type"),
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        assert_eq!(parameter(&body, "client_id"), "cli");
        let assertion = parameter(&body, "client_assertion");
        let (head, claims) = verified(&assertion, key, algorithm);
        assert_eq!(head, json!({"alg": name, "typ": "JWT", "kid": "key-1"}));
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("cli"), &json!("cli")));
        assert_eq!(claims["aud"], ISSUER);
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(1_000_000), &json!(1_000_300)));
        let (_, again) = sent(record, &Grant::ClientCredentials);
        let (_, other) = verified(&parameter(&again, "client_assertion"), key, algorithm);
        assert_ne!(claims["jti"], other["jti"], "a server takes each assertion once");
    }
}

#[test]
fn a_key_can_sign_for_a_user_instead_of_a_login() {
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let record = with(signing(&key), fields::GRANT, "jwt_bearer");
    let record = with(with(record, fields::USERNAME, "ann"), fields::SCOPE, "read");
    let record = with(record, fields::ASSERTION_AUDIENCE, "accounts.example");
    let (headers, body) = sent(record.clone(), &Grant::renewing(&record).unwrap());
    assert!(headers.ends_with(" -"), "the key is for the grant, not for the client: {headers}");
    assert!(!body.contains("client_"), "{body}");
    assert_eq!(parameter(&body, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert_eq!(parameter(&body, "scope"), "read");
    let (_, claims) = verified(&parameter(&body, "assertion"), &key, &ED25519);
    for (name, value) in
        [("iss", "cli"), ("sub", "ann"), ("aud", "accounts.example"), ("scope", "read")]
    {
        assert_eq!(claims[name], value);
    }
    // The server may want to know the client too.
    let both = with(record, fields::CLIENT_AUTHENTICATION, "private_key_jwt");
    let (_, body) = sent(both, &Grant::JwtBearer(Some("ready".into())));
    assert_eq!(parameter(&body, "assertion"), "ready");
    verified(&parameter(&body, "client_assertion"), &key, &ED25519);
}

#[test]
fn a_token_is_exchanged_with_its_type() {
    let record = expired().with(fields::SUBJECT_TOKEN, Field::secret("s/1"));
    let (_, body) = sent(record.clone(), &Grant::TokenExchange);
    let begin = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
    let urn = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3A";
    let subject = |short| format!("subject_token=s%2F1&subject_token_type={urn}{short}");
    assert_eq!(body, format!("{begin}&{}&client_id=cli", subject("access_token")));
    let record = with(record, fields::SUBJECT_TOKEN_TYPE, "jwt")
        .with(fields::ACTOR_TOKEN, Field::secret("a"))
        .with(fields::ACTOR_TOKEN_TYPE, Field::open("urn:x:y"))
        .with(fields::REQUESTED_TOKEN_TYPE, Field::open("id_token"))
        .with(fields::AUDIENCE, Field::open("api"));
    let (_, body) = sent(record, &Grant::TokenExchange);
    let actor = "actor_token=a&actor_token_type=urn%3Ax%3Ay";
    let end = format!("requested_token_type={urn}id_token&audience=api&client_id=cli");
    assert_eq!(body, format!("{begin}&{}&{actor}&{end}", subject("jwt")));
}

/// A record with a developer's token, whose access token has expired.
fn developer() -> Record {
    with(expired(), fields::DEVELOPER_TOKEN_URL, "https://dev.example/request_token")
        .with(fields::DEVELOPER_TOKEN, Field::secret("dev-1"))
}

#[test]
fn a_developers_token_comes_after_a_good_token_and_before_a_refresh_token() {
    let (world, memory) = (World::new(), Memory::with(developer()));
    let tokens = world.tokens(|request| {
        assert_eq!(request.uri(), "https://dev.example/request_token");
        assert_eq!(request.headers()["authorization"], "Bearer dev-1");
        assert!(request.headers()["authorization"].is_sensitive() && request.body().is_empty());
        answer(200, r#"{"access_token":"access-2","expires_in":900}"#)
    });
    for _ in 0..3 {
        let record = tokens.get(&memory, &id(), Wanted::Good).unwrap();
        assert_eq!(value(&record, fields::ACCESS_TOKEN), "access-2");
    }
    assert_eq!(world.requests(), 1);
    assert_eq!(value(&memory.record(), fields::REFRESH_TOKEN), "refresh-1");
    // Without a place to send it to, there is only the refresh token.
    let mut record = developer();
    record.fields.remove(fields::DEVELOPER_TOKEN_URL);
    assert!(matches!(Grant::renewing(&record), Some(Grant::RefreshToken(_))));
}

#[test]
fn a_developers_token_that_is_refused_is_not_sent_again_but_its_successor_is() {
    for body in ["", r#"{"message":{"error":"expired dev-1"}}"#, r#"{"error":"invalid_grant"}"#] {
        let (world, memory) = (World::new(), Memory::with(developer()));
        let tokens =
            world.tokens(move |request| match request.headers()["authorization"].to_str() {
                Ok("Bearer dev-1") => answer(401, body),
                _ => answer(200, r#"{"access_token":"access-2"}"#),
            });
        for _ in 0..3 {
            let error = tokens.get(&memory, &id(), Wanted::Good).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthorized);
            assert!(!error.report().contains("dev-1"), "{}", error.report());
        }
        assert_eq!(world.requests(), 1);
        memory.put(memory.record().with(fields::DEVELOPER_TOKEN, Field::secret("dev-2")));
        let record = tokens.get(&memory, &id(), Wanted::Good).unwrap();
        assert_eq!(value(&record, fields::ACCESS_TOKEN), "access-2");
        assert_eq!(world.requests(), 2);
    }
}

#[test]
fn an_incomplete_record_sends_nothing_and_is_not_in_doubt() {
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let without = |mut record: Record, name: &str| {
        record.fields.remove(name);
        record
    };
    let granted =
        |grant: &str| with(without(expired(), fields::REFRESH_TOKEN), fields::GRANT, grant);
    let broken = signing(&key).with(fields::PRIVATE_KEY, Field::secret("-----BEGIN X-----"));
    let broken = with(broken, fields::GRANT, "client_credentials");
    for (record, why) in [
        (granted("jwt_bearer"), "has no field `private_key`"),
        (granted("token_exchange"), "has no field `subject_token`"),
        (granted("developer_token"), "has no field `developer_token`"),
        (
            granted("developer_token").with(fields::DEVELOPER_TOKEN, Field::secret("d")),
            "has no field `developer_token_url`",
        ),
        (broken, "is not a key that can sign"),
        (
            with(granted("client_credentials"), fields::CLIENT_AUTHENTICATION, "private_key_jwt"),
            "has no field `private_key`",
        ),
    ] {
        let (world, memory) = (World::new(), Memory::with(record));
        let tokens = world.tokens(|_| panic!("a request was sent"));
        let error = tokens.get(&memory, &id(), Wanted::Good).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(why), "{}", error.message());
        assert_eq!(RefreshState::read(&memory.record()), RefreshState::Good { due: None });
    }
}
