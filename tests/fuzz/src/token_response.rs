use std::sync::Arc;

use http::{Request, Response};
use keyward_core::{EntryId, Field, Record, Result, Secret, Source, Timestamp};
use keyward_http::Http;
use keyward_kinds::{fields, names};
use keyward_oauth2::{Grant, Tokens, Wanted};

use crate::memory::Memory;

const REFRESH_TOKEN: &str = "the-refresh-token-that-is-stored";
const CLIENT_SECRET: &str = "the-secret-of-the-client";

/// Whatever a token endpoint answers (the first byte chooses the status), a token that is handed out
/// can be sent in a header and is the one that is stored, no error repeats a secret, and a refresh
/// token stays in the store.
pub fn token_response(bytes: &[u8]) {
    let Some((status, body)) = bytes.split_first() else { return };
    let status = [200, 400, 401, 302, 429, 500][usize::from(*status) % 6];
    let http = Arc::new(Answers { status, body: Secret::from(body) });
    let tokens = Tokens::new(http, || Timestamp::from_unix(1_000_000));
    let memory = Memory::default();
    let id = EntryId::new("me", Some("api")).expect("a valid name");
    memory.put(id.clone(), expired());
    match tokens.get(&memory, &id, Wanted::Good) {
        Ok(record) => {
            assert_eq!(status, 200);
            is_sendable(&record, fields::ACCESS_TOKEN);
            assert_eq!(memory.get(&id).expect("it is there"), record);
        }
        Err(error) => is_harmless(error.message()),
    }
    is_sendable(&memory.get(&id).expect("it is there"), fields::REFRESH_TOKEN);
    // A second caller has the result, or asks again.
    let again = tokens.get(&memory, &id, Wanted::Good);
    again.map_or_else(|error| is_harmless(error.message()), |_| ());
    match tokens.request(expired(), &Grant::RefreshToken(REFRESH_TOKEN.into())) {
        Ok(record) => is_sendable(&record, fields::ACCESS_TOKEN),
        Err(error) => is_harmless(error.message()),
    }
}

fn expired() -> Record {
    let past = Some(Timestamp::from_unix(1));
    Record::new(names::OAUTH2)
        .with(fields::TOKEN_URL, Field::open("https://as.example/token"))
        .with(fields::CLIENT_ID, Field::open("cli"))
        .with(fields::CLIENT_SECRET, Field::secret(CLIENT_SECRET))
        .with(fields::REFRESH_TOKEN, Field::secret(REFRESH_TOKEN))
        .with(fields::ACCESS_TOKEN, Field::secret("old").with_expires(past))
}

fn is_sendable(record: &Record, field: &str) {
    let token = &record.field(field).expect("it has one").value;
    let is_visible = token.expose().iter().all(u8::is_ascii_graphic);
    assert!(!token.is_empty() && token.len() <= 64 << 10 && is_visible);
}

/// A message is one line of limited length, without secrets.
fn is_harmless(message: &str) {
    assert!(message.len() < 4096 && !message.contains(char::is_control), "{message:?}");
    for secret in [REFRESH_TOKEN, CLIENT_SECRET] {
        assert!(!message.contains(secret), "{message:?}");
    }
}

/// A server with one answer.
#[derive(Debug)]
struct Answers {
    status: u16,
    body: Secret,
}

impl Http for Answers {
    fn send(&self, _: Request<Secret>) -> Result<Response<Secret>> {
        let response = Response::builder().status(self.status).body(self.body.clone());
        Ok(response.expect("a valid response"))
    }
}
