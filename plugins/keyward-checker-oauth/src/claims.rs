//! What a token says, and whether that is enough.

use keyward_plugin::{Denial, Identity, Timestamp};
use serde_json::{Map, Value};

use crate::Way;

/// The claims of a token, or the answer about it.
pub(crate) type Claims = Map<String, Value>;

/// How much the clocks of two machines may differ, in seconds.
const LEEWAY: f64 = 60.0;

/// What the claims of a token must be.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// For whom it must be; empty for anybody.
    pub(crate) audience: Vec<String>,
    /// The claim that becomes the identity.
    pub(crate) claim: String,
}

impl Rules {
    /// Returns whose token it is.
    ///
    /// # Errors
    /// Why the token is not accepted.
    pub(crate) fn identity(
        &self,
        claims: &Claims,
        way: &Way,
        now: Timestamp,
    ) -> Result<Identity, Denial> {
        check_times(claims, matches!(way, Way::Signature(_)), now)?;
        if !self.is_for_us(claims.get("aud")) || claims.contains_key("cnf") {
            return Err(Denial::Restricted);
        }
        if self.claim == "email" && !is_true(claims.get("email_verified")) {
            return Err(Denial::Restricted);
        }
        let name = claims.get(&self.claim).and_then(Value::as_str).ok_or(Denial::Restricted)?;
        Identity::new(name).map_err(|_| Denial::Malformed)
    }

    fn is_for_us(&self, audience: Option<&Value>) -> bool {
        let is = |value: &Value| {
            value.as_str().is_some_and(|it| self.audience.iter().any(|own| own == it))
        };
        self.audience.is_empty()
            || match audience {
                Some(Value::Array(all)) => all.iter().any(is),
                Some(one) => is(one),
                None => false,
            }
    }
}

/// Some servers write a text.
fn is_true(value: Option<&Value>) -> bool {
    value.is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"))
}

/// Checks when the token is valid. Only the server that is asked may leave out the end.
fn check_times(claims: &Claims, needs_end: bool, now: Timestamp) -> Result<(), Denial> {
    // Exact for any time of a token.
    #[expect(clippy::cast_precision_loss, reason = "the time is far below 2^53")]
    let now = now.as_unix() as f64;
    let time = |name| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(Denial::Malformed),
    };
    match time("exp")? {
        None if needs_end => return Err(Denial::Malformed),
        Some(end) if now >= end + LEEWAY => return Err(Denial::Expired),
        _ => {}
    }
    for name in ["nbf", "iat"] {
        if time(name)?.is_some_and(|start| now + LEEWAY < start) {
            return Err(Denial::Restricted);
        }
    }
    Ok(())
}
