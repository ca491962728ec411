//! What requesters send.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Limited};
use hyper::StatusCode;
use keyward_bouncer::{KeycardId, Request as Asked, RequesterId, Selection};
use keyward_core::{Attempt, Error, Presented, PresentedKind, Result, Secret};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::web::Request;

/// The longest body, in bytes.
const MAX: usize = 256 << 10;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads the body of a request.
pub(super) async fn body(request: Request) -> Result<Secret, StatusCode> {
    let read = Limited::new(request.into_body(), MAX).collect();
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(Ok(body)) => Ok(Secret::from(&body.to_bytes()[..])),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// Reads JSON. The error does not quote it.
pub(super) fn parse<T: DeserializeOwned>(body: &Secret) -> Result<T> {
    let body = if body.is_empty() { b"{}" } else { body.expose() };
    serde_json::from_slice(body).map_err(|error| {
        let why = match error.classify() {
            serde_json::error::Category::Data => "the body does not have the members of this call",
            _ => "the body is not JSON",
        };
        let place = format!("{why} (line {}, column {})", error.line(), error.column());
        Error::invalid("rpc", place).hint("`keyward help serve-rpc` describes the calls")
    })
}

/// A text, or bytes as `{"base64": "…"}`, that may be secret.
#[derive(Debug, Default)]
pub(super) struct Bytes(pub(super) Secret);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BytesVisitor)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or an object with the member base64")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
        Ok(Bytes(Secret::from(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bytes, A::Error> {
        let Some("base64") = map.next_key::<&str>()? else {
            return Err(de::Error::custom("the member base64 is missing"));
        };
        let text = Zeroizing::new(map.next_value::<String>()?);
        let bytes = STANDARD.decode(text.as_bytes());
        let bytes = bytes.map_err(|_| de::Error::custom("base64 is not valid"))?;
        match map.next_key::<de::IgnoredAny>()? {
            None => Ok(Bytes(Secret::new(bytes))),
            Some(_) => Err(de::Error::custom("there is another member")),
        }
    }
}

/// Where a client is, and what it wants.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Circumstances {
    address: Option<String>,
    private: bool,
    service: Option<String>,
    details: BTreeMap<String, String>,
}

impl From<Circumstances> for Attempt {
    fn from(from: Circumstances) -> Self {
        let mut attempt = Self::default();
        attempt.address = from.address;
        attempt.private = from.private;
        attempt.service = from.service;
        attempt.details = from.details;
        attempt
    }
}

/// What a client presented.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credential {
    kind: String,
    user: Option<String>,
    #[serde(default)]
    fields: BTreeMap<String, Bytes>,
}

impl Credential {
    /// Returns it as a portal reads it; `None` if there is no such kind.
    pub(super) fn presented(self) -> Option<Presented> {
        let mut presented = Presented::new(PresentedKind::from_name(&self.kind)?);
        if let Some(user) = self.user {
            presented = presented.named(user);
        }
        let fields = self.fields.into_iter();
        Some(fields.fold(presented, |presented, (name, Bytes(value))| presented.with(name, value)))
    }
}

/// What a requester says of its client.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wanted {
    attempt: Circumstances,
    issuer: Option<String>,
    domain: Option<String>,
    ttl: Option<u64>,
    duration: Option<u64>,
    notices: bool,
}

impl From<Wanted> for Asked {
    fn from(from: Wanted) -> Self {
        let mut asked = Self::new(from.attempt.into());
        asked.issuer = from.issuer;
        asked.domain = from.domain;
        asked.ttl = from.ttl.map(Duration::from_secs);
        asked.duration = from.duration.map(Duration::from_secs);
        asked.notices = from.notices;
        asked
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authenticate {
    pub(super) presented: Credential,
    #[serde(default)]
    pub(super) request: Wanted,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Begin {
    pub(super) kind: String,
    #[serde(default)]
    pub(super) request: Wanted,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Respond {
    pub(super) session: Bytes,
    pub(super) answer: Option<Bytes>,
    pub(super) presented: Option<Credential>,
    #[serde(default)]
    pub(super) attempt: Circumstances,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Check {
    pub(super) id: KeycardId,
    #[serde(default)]
    pub(super) attempt: Circumstances,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeepAlive {
    pub(super) issuer: String,
    pub(super) ttl: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remove {
    pub(super) id: KeycardId,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirm {
    pub(super) ids: Vec<KeycardId>,
}

/// Which keycards: exactly one member is there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) enum Which {
    Id(KeycardId),
    User(String),
    Requester(RequesterId),
    All(True),
}

/// The value `true`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "bool")]
pub(super) struct True;

impl TryFrom<bool> for True {
    type Error = &'static str;

    fn try_from(value: bool) -> Result<Self, Self::Error> {
        if value { Ok(Self) } else { Err("it is true or missing") }
    }
}

impl From<Which> for Selection {
    fn from(which: Which) -> Self {
        match which {
            Which::Id(id) => Self::Id(id),
            Which::User(user) => Self::User(user),
            Which::Requester(requester) => Self::Requester(requester),
            Which::All(True) => Self::All,
        }
    }
}
