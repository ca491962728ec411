//! A server that signs tokens, and the keys that it publishes.

use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex};

use http::{StatusCode, Uri};
use keyward_plugin::{Denial, Error, ErrorKind, Result, Secret, Timestamp};
use serde_json::Value;

use crate::claims::Claims;
use crate::client::{Client, address, failed};
use crate::jwk::{Keys, Verdict};
use crate::jwt::Jwt;

/// How long keys are used, in seconds: then they are requested again, so that a key that was withdrawn
/// is not used for ever.
const LIFE: u64 = 3600;

/// How long after a request for keys an unknown one is not requested, in seconds. Otherwise, anybody
/// could make this server ask another one again and again.
const PAUSE: u64 = 60;

/// How long after a failure the server is not asked, in seconds.
const FAILURE_PAUSE: u64 = 5;

/// A server that signs tokens.
pub(crate) struct Issuer {
    name: String,
    client: Client,
    known: Mutex<Option<Arc<Fetched>>>,
    /// Held by who asks the server: when the last request failed, if it did.
    asking: Mutex<Option<Timestamp>>,
}

struct Fetched {
    keys: Keys,
    at: Timestamp,
}

impl Issuer {
    pub(crate) fn new(name: String, client: Client) -> Result<Self> {
        let url = address(&name)?;
        if url.query().is_some() {
            return Err(Error::invalid("options", "`issuer` has a query"));
        }
        Ok(Self { name, client, known: Mutex::default(), asking: Mutex::default() })
    }

    /// Returns the claims of a token; `None` if it is not a token of this server.
    pub(crate) fn claims(
        &self,
        token: &Secret,
        now: Timestamp,
    ) -> Result<Option<Result<Claims, Denial>>> {
        let Some(token) = Jwt::parse(token.expose()) else { return Ok(None) };
        if token.claims.get("iss").and_then(Value::as_str) != Some(&self.name) {
            return Ok(None);
        }
        if !token.is_access_token() || !self.is_signed(&token, now)? {
            return Ok(Some(Err(Denial::Secret)));
        }
        Ok(Some(Ok(token.claims)))
    }

    fn is_signed(&self, token: &Jwt<'_>, now: Timestamp) -> Result<bool> {
        if let Some(is_signed) = self.known_verdict(token, now)? {
            return Ok(is_signed);
        }
        // One thread asks. Those that know their keys do not wait for it.
        let mut failure = self.asking.lock()?;
        if let Some(is_signed) = self.known_verdict(token, now)? {
            return Ok(is_signed);
        }
        if failure.and_then(|at| age(at, now)).is_some_and(|age| age < FAILURE_PAUSE) {
            let why = format!("{} did not publish its keys a moment ago", self.name);
            return Err(Error::new(ErrorKind::Unavailable, "request").because(why));
        }
        *failure = Some(now);
        let fetched = Arc::new(Fetched { keys: self.fetch()?, at: now });
        *failure = None;
        *self.known.lock()? = Some(Arc::clone(&fetched));
        Ok(fetched.keys.verify(token) == Verdict::Right)
    }

    /// Verifies with the keys that are known; `None` if the server must be asked for its keys.
    fn known_verdict(&self, token: &Jwt<'_>, now: Timestamp) -> Result<Option<bool>> {
        let Some(fetched) = self.known.lock()?.clone() else { return Ok(None) };
        let Some(age) = age(fetched.at, now).filter(|age| *age < LIFE) else { return Ok(None) };
        let verdict = fetched.keys.verify(token);
        Ok((verdict != Verdict::NoKey || age < PAUSE).then_some(verdict == Verdict::Right))
    }

    fn fetch(&self) -> Result<Keys> {
        let (url, metadata) = self.metadata()?;
        if metadata.get("issuer").and_then(Value::as_str) != Some(&self.name) {
            return Err(failed(&url, "its metadata is that of another issuer"));
        }
        let keys = metadata.get("jwks_uri").and_then(Value::as_str);
        let keys = address(keys.ok_or_else(|| failed(&url, "its metadata names no keys"))?)?;
        let set = self.client.get(&keys)?.json(&keys)?;
        Keys::parse(&set).ok_or_else(|| failed(&keys, "the answer is not a set of keys"))
    }

    /// Gets the metadata of OpenID Connect, or if there is none that of OAuth.
    fn metadata(&self) -> Result<(Uri, Value)> {
        let bare = self.name.strip_suffix('/').unwrap_or(&self.name);
        let first = address(&format!("{bare}/.well-known/openid-configuration"))?;
        let answer = self.client.get(&first)?;
        if answer.status != StatusCode::NOT_FOUND {
            return answer.json(&first).map(|metadata| (first, metadata));
        }
        // RFC 8414 puts it before the path.
        let start = bare.find("://").map_or(0, |at| at + 3);
        let host_end = bare[start..].find('/').map_or(bare.len(), |at| start + at);
        let (origin, path) = bare.split_at(host_end);
        let second = address(&format!("{origin}/.well-known/oauth-authorization-server{path}"))?;
        let metadata = self.client.get(&second)?.json(&second)?;
        Ok((second, metadata))
    }
}

/// How many seconds ago that was; `None` if the clock was set back.
fn age(at: Timestamp, now: Timestamp) -> Option<u64> {
    now.as_unix().checked_sub(at.as_unix())
}

impl Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("name", &self.name).finish_non_exhaustive()
    }
}
