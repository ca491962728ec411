//! An OAuth server and an API in this process, which an application asks through a closure or through
//! the trait `Http`.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{Request, Response};
use keyward::{Environment, Keyward, OAuthSession, Result, Secret, Silent};
use keyward_config::now;
use keyward_core::{Expect, Field, Record, Timestamp};
use keyward_http::Http;
use keyward_kinds::{fields, names};

use crate::helpers::home::Home;

/// Where the API is, and where the OAuth server is.
pub(super) const API: &str = "https://api.example/data";
pub(super) const TOKEN_URL: &str = "https://login.example/token";

/// Issues `access-N` and `refresh-N`, and an API that takes the newest access token. A refresh token
/// that was used before is refused.
#[derive(Clone, Debug, Default)]
pub(super) struct Server(Arc<State>);

#[derive(Debug, Default)]
struct State {
    newest: AtomicUsize,
    tokens: Mutex<Vec<String>>,
    calls: Mutex<Vec<String>>,
    /// What the OAuth server answers instead.
    answer: Mutex<Option<(u16, String)>>,
    /// Whether the API rejects the newest token.
    is_revoked: AtomicBool,
    /// Whether the API rejects every token.
    rejects: AtomicBool,
    delay: Mutex<Duration>,
}

impl Server {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Answers every request for a token with this.
    pub(super) fn answers(&self, status: u16, body: impl Into<String>) {
        *self.0.answer.lock().unwrap() = Some((status, body.into()));
    }

    pub(super) fn rejects_everything(&self) {
        self.0.rejects.store(true, Ordering::SeqCst);
    }

    pub(super) fn takes(&self, delay: Duration) {
        *self.0.delay.lock().unwrap() = delay;
    }

    /// From now on the API does not take the newest token any more, though it has not ended.
    pub(super) fn revokes(&self) {
        self.0.is_revoked.store(true, Ordering::SeqCst);
    }

    /// How often the OAuth server was asked for a token.
    pub(super) fn requests(&self) -> usize {
        self.0.tokens.lock().unwrap().len()
    }

    /// The URLs of the requests for tokens.
    pub(super) fn urls(&self) -> Vec<String> {
        self.0.tokens.lock().unwrap().clone()
    }

    /// The headers `Authorization` that the API has got since the last call.
    pub(super) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.0.calls.lock().unwrap())
    }

    /// Makes a session for the credential `api` that asks this server.
    pub(super) fn session(&self, keyward: &Keyward) -> OAuthSession {
        let session = keyward.oauth_session("api").unwrap().with_http(Arc::new(self.clone()));
        session.for_origin(API.trim_end_matches("/data")).unwrap()
    }

    /// Sends a request of a session, and returns the status.
    pub(super) fn call(&self, session: &OAuthSession) -> Result<u16> {
        let request = Request::get(API).body(Secret::from("body")).unwrap();
        Ok(session.send(request, |request| self.send(request))?.status().as_u16())
    }

    fn token(&self, request: &Request<Secret>) -> Response<Secret> {
        let body = request.body().expose_str().unwrap().to_owned();
        self.0.tokens.lock().unwrap().push(request.uri().to_string());
        thread::sleep(*self.0.delay.lock().unwrap());
        if let Some((status, text)) = self.0.answer.lock().unwrap().clone() {
            return answer(status, text);
        }
        let newest = self.0.newest.load(Ordering::SeqCst);
        let used = body.split('&').find_map(|pair| pair.strip_prefix("refresh_token="));
        if used.is_some_and(|used| used != format!("refresh-{newest}")) {
            return answer(400, r#"{"error":"invalid_grant"}"#);
        }
        let newest = self.0.newest.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.is_revoked.store(false, Ordering::SeqCst);
        let tokens = format!(
            r#"{{"access_token":"access-{newest}","refresh_token":"refresh-{newest}","expires_in":3600}}"#
        );
        answer(200, tokens)
    }

    fn developer(&self, request: &Request<Secret>) -> Response<Secret> {
        self.0.tokens.lock().unwrap().push(request.uri().to_string());
        match self.0.answer.lock().unwrap().clone() {
            Some((status, text)) => answer(status, text),
            None if request.headers()[AUTHORIZATION] == "Bearer d3v" => {
                answer(200, r#"{"access_token":"for-a-developer","expires_in":3600}"#)
            }
            None => answer(401, ""),
        }
    }

    fn api(&self, request: &Request<Secret>) -> Response<Secret> {
        let header = request.headers().get(AUTHORIZATION);
        let header = header.map_or("", |header| header.to_str().unwrap()).to_owned();
        self.0.calls.lock().unwrap().push(header.clone());
        assert_eq!(request.body().expose(), b"body");
        let is_rejected = [&self.0.is_revoked, &self.0.rejects].map(|it| it.load(Ordering::SeqCst));
        match header.starts_with("Bearer ") && is_rejected == [false, false] {
            true => answer(200, "data"),
            false => answer(401, "who?"),
        }
    }
}

impl Http for Server {
    fn send(&self, request: Request<Secret>) -> Result<Response<Secret>> {
        Ok(match request.uri().host() {
            Some("login.example") => self.token(&request),
            Some("developer.example") => self.developer(&request),
            _ => self.api(&request),
        })
    }
}

fn answer(status: u16, body: impl Into<Secret>) -> Response<Secret> {
    Response::builder().status(status).body(body.into()).unwrap()
}

/// An OAuth client with `refresh-0`, and without an access token.
pub(super) fn client() -> Record {
    Record::new(names::OAUTH2)
        .with(fields::TOKEN_URL, Field::open(TOKEN_URL))
        .with(fields::CLIENT_ID, Field::open("cli"))
        .with(fields::REFRESH_TOKEN, Field::secret("refresh-0"))
}

/// The same with `access-0`, which ends after so many seconds.
pub(super) fn client_with_token(seconds: i64) -> Record {
    let end = now().as_unix().saturating_add_signed(seconds);
    let token = Field::secret("access-0").with_expires(Some(Timestamp::from_unix(end)));
    client().with(fields::ACCESS_TOKEN, token)
}

/// Stores the credential `api`.
pub(super) fn put(home: &Home, record: &Record) {
    let store = home.store("s");
    store.put(&store.entry(None, Some("api")).unwrap(), record, Expect::Any).unwrap();
}

/// Returns the stored credential.
pub(super) fn stored(home: &Home) -> Record {
    let store = home.store("s");
    store.get(&store.entry(None, Some("api")).unwrap()).unwrap()
}

pub(super) fn value(record: &Record, name: &str) -> String {
    let value = record.field(name).and_then(|field| field.value.expose_str());
    value.unwrap_or_default().to_owned()
}

/// Keyward for an application in this home.
pub(super) fn application(home: &Home) -> Keyward {
    Keyward::with(home.environment(), Silent).unwrap()
}

/// An environment with these fields of the credential `api`, and the home directory.
pub(super) fn environment(home: &str, values: &[(&str, &str)]) -> Environment {
    let values = values.iter();
    values.fold(Environment::new([("HOME", home)]), |all, (field, value)| {
        all.with(&format!("KEYWARD_CREDENTIAL_API_{}", field.to_ascii_uppercase()), *value)
    })
}

pub(super) const IN_THE_ENVIRONMENT: [(&str, &str); 3] =
    [("client_id", "cli"), ("refresh_token", "refresh-0"), ("token_url", TOKEN_URL)];
