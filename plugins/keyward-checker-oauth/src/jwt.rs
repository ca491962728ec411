//! JSON Web Tokens with a signature (RFC 7515, RFC 7519).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyward_plugin::Secret;
use serde_json::{Map, Value};

use crate::claims::Claims;

/// A token whose signature is not verified yet.
#[derive(Clone)]
pub(crate) struct Jwt<'a> {
    pub(crate) algorithm: String,
    pub(crate) key_id: Option<String>,
    pub(crate) claims: Claims,
    /// What was signed.
    pub(crate) signed: &'a [u8],
    pub(crate) signature: Secret,
    /// Whether it says that it is another thing, or must be understood in a way that it is not here.
    is_other: bool,
}

impl<'a> Jwt<'a> {
    /// Reads a token of three parts. `None` if it is something else.
    pub(crate) fn parse(token: &'a [u8]) -> Option<Self> {
        let dot = |byte: &u8| *byte == b'.';
        let last = token.iter().rposition(dot)?;
        let (signed, signature) = (&token[..last], &token[last + 1..]);
        let mut parts = signed.split(dot);
        let (head, body) = (object(parts.next()?)?, object(parts.next()?)?);
        if parts.next().is_some() {
            return None;
        }
        let text = |name| head.get(name).and_then(Value::as_str).map(str::to_owned);
        let is_other = head.contains_key("crit") || !is_access_token(head.get("typ"));
        Some(Self {
            algorithm: text("alg")?,
            key_id: text("kid"),
            claims: body,
            signed,
            signature: Secret::new(URL_SAFE_NO_PAD.decode(signature).ok()?),
            is_other,
        })
    }

    /// Whether it can be an access token. A token for another purpose says so in its type.
    pub(crate) fn is_access_token(&self) -> bool {
        !self.is_other
    }
}

/// The type of access tokens (RFC 9068 section 2.1), and that of tokens without a purpose.
fn is_access_token(kind: Option<&Value>) -> bool {
    let Some(kind) = kind else { return true };
    let kind = kind.as_str().unwrap_or_default().to_ascii_lowercase();
    ["jwt", "at+jwt", "application/at+jwt"].contains(&kind.as_str())
}

fn object(part: &[u8]) -> Option<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&json).ok()
}
