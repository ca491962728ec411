//! A server that is asked about each token (RFC 7662).

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::{Serializer, byte_serialize};
use http::{StatusCode, Uri};
use keyward_plugin::{Denial, Loaded, Result, Secret, SecretRef, Timestamp};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::claims::Claims;
use crate::client::{Answer, Client, address, failed};

/// The most answers that are kept.
const KEPT: usize = 1024;

/// A server that is asked about each token.
pub(crate) struct Introspection {
    url: Uri,
    id: String,
    secret: SecretRef,
    client: Client,
    cache: Duration,
    known_secret: Mutex<Option<Loaded>>,
    /// What the server said, by the hashes of tokens.
    answers: Mutex<HashMap<Vec<u8>, (Claims, Timestamp)>>,
}

impl Introspection {
    pub(crate) fn new(
        url: &str,
        id: String,
        secret: SecretRef,
        client: Client,
        cache: Duration,
    ) -> Result<Self> {
        let (known_secret, answers) = Default::default();
        Ok(Self { url: address(url)?, id, secret, client, cache, known_secret, answers })
    }

    /// Returns what the server says of a token; `None` if the token is not active.
    pub(crate) fn claims(
        &self,
        token: &Secret,
        now: Timestamp,
    ) -> Result<Option<Result<Claims, Denial>>> {
        let hash = digest(&SHA256, token.expose()).as_ref().to_vec();
        let mut answers = self.answers.lock()?;
        answers.retain(|_, (_, end)| now < *end);
        if let Some((claims, _)) = answers.get(&hash) {
            return Ok(Some(Ok(claims.clone())));
        }
        drop(answers);
        let answer = self.ask(token)?.json(&self.url)?;
        let active = answer.get("active").and_then(Value::as_bool);
        let Value::Object(claims) = answer else {
            return Err(failed(&self.url, "the answer is not about a token"));
        };
        match active {
            None => return Err(failed(&self.url, "the answer is not about a token")),
            Some(false) => return Ok(None),
            Some(true) => {}
        }
        let mut answers = self.answers.lock()?;
        if !self.cache.is_zero() && answers.len() < KEPT {
            answers.insert(hash, (claims.clone(), now.after(self.cache)));
        }
        Ok(Some(Ok(claims)))
    }

    /// Asks the server; once more with a new secret, if it does not accept the one that is known.
    fn ask(&self, token: &Secret) -> Result<Answer> {
        let mut form = Serializer::new(String::with_capacity(64 + 3 * token.len()));
        form.append_pair("token", token.expose_str().unwrap_or_default());
        form.append_pair("token_type_hint", "access_token");
        let form = Secret::from(form.finish());
        for is_new in [false, true] {
            let answer = self.client.post(&self.url, &self.credentials(is_new)?, &form)?;
            if answer.status != StatusCode::UNAUTHORIZED {
                return Ok(answer);
            }
        }
        Err(failed(&self.url, "the server does not accept `client_id` and `client_secret`"))
    }

    /// The name and the secret of this service (RFC 6749 section 2.3.1).
    fn credentials(&self, is_new: bool) -> Result<Secret> {
        let host = self.client.host();
        let mut known = self.known_secret.lock()?;
        let is_valid = |it: &Loaded| it.expires.is_none_or(|end| end > host.now());
        let kept = known.take().filter(is_valid).filter(|_| !is_new);
        let secret = match kept {
            Some(secret) => secret,
            None => host.secret(&self.secret)?,
        };
        let secret = known.insert(secret);
        let length = self.id.len() + secret.secret.len();
        let mut pair = String::with_capacity(1 + 3 * length);
        pair.extend(byte_serialize(self.id.as_bytes()));
        pair.push(':');
        pair.extend(byte_serialize(secret.expose()));
        let pair = Secret::from(pair);
        let encoded = Secret::from(STANDARD.encode(pair.expose()));
        Ok(Secret::from([b"Basic ", encoded.expose()].concat()))
    }
}

impl Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection").field("cache", &self.cache).finish_non_exhaustive()
    }
}
