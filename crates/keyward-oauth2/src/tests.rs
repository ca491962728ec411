mod claims;
mod clocks;
mod echoes;
mod flows;
mod grants;
mod hostile;
mod identity;
mod memory;
mod read_only;
mod refreshing;
mod requests;
mod responses;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use keyward_core::{EntryId, Field, Record, Result, Secret, Timestamp};
use keyward_http::Http;
use keyward_kinds::{fields, names};

use crate::Tokens;

/// A server whose answers a function makes, and which counts the requests.
struct Scripted<F> {
    answer: F,
    requests: Arc<AtomicUsize>,
}

impl<F> std::fmt::Debug for Scripted<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl<F: Fn(&Request<Secret>) -> Result<Response<Secret>> + Send + Sync> Http for Scripted<F> {
    fn send(&self, request: Request<Secret>) -> Result<Response<Secret>> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        (self.answer)(&request)
    }
}

/// A clock that moves only if a test turns it, and the number of requests so far.
#[derive(Clone, Debug, Default)]
struct World {
    now: Arc<AtomicU64>,
    requests: Arc<AtomicUsize>,
}

impl World {
    fn new() -> Self {
        let world = Self::default();
        world.turn_to(1_000_000);
        world
    }

    fn turn_to(&self, seconds: u64) {
        self.now.store(seconds, Ordering::SeqCst);
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.now.load(Ordering::SeqCst))
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn tokens(
        &self,
        answer: impl Fn(&Request<Secret>) -> Result<Response<Secret>> + Send + Sync + 'static,
    ) -> Tokens {
        let http = Arc::new(Scripted { answer, requests: Arc::clone(&self.requests) });
        let world = self.clone();
        Tokens::new(http, move || world.now())
    }
}

fn id() -> EntryId {
    EntryId::new("ann", Some("api")).unwrap()
}

/// A record with a refresh token, and an access token that has expired.
fn expired() -> Record {
    Record::new(names::OAUTH2)
        .with(fields::TOKEN_URL, Field::open("https://as.example/token"))
        .with(fields::CLIENT_ID, Field::open("cli"))
        .with(fields::REFRESH_TOKEN, Field::secret("refresh-1"))
        .with(
            fields::ACCESS_TOKEN,
            Field::secret("access-1").with_expires(Some(Timestamp::from_unix(999_999))),
        )
}

fn answer(status: u16, body: impl Into<Secret>) -> Result<Response<Secret>> {
    Ok(Response::builder().status(status).body(body.into()).unwrap())
}

fn value<'a>(record: &'a Record, name: &str) -> &'a str {
    record.field(name).map_or("", |field| field.value.expose_str().unwrap())
}
