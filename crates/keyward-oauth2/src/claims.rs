use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keyward_core::{Error, Record, Result, Secret, Timestamp};
use keyward_kinds::fields;
use serde::Deserialize;

/// Returns the claims in a token that is a JWT (RFC 7519), as a JSON object.
///
/// # Security
/// The signature is not checked: the claims are only to be shown, and nothing may be decided by
/// them.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid) if the token is not a JWT.
///
/// # Examples
/// ```
/// let claims = keyward_oauth2::claims(&"e30.eyJzdWIiOiJhbm4ifQ.".into())?;
/// assert_eq!(claims.expose(), br#"{"sub":"ann"}"#);
/// assert!(keyward_oauth2::claims(&"opaque".into()).is_err());
/// # Ok::<(), keyward_core::Error>(())
/// ```
pub fn claims(token: &Secret) -> Result<Secret> {
    let not_a_jwt = || Error::invalid("claims", "the token is not a JWT");
    let mut parts = token.expose().split(|byte| *byte == b'.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(not_a_jwt());
    };
    let payload = Secret::new(BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| not_a_jwt())?);
    let value: serde_json::Value =
        serde_json::from_slice(payload.expose()).map_err(|_| not_a_jwt())?;
    if value.is_object() { Ok(payload) } else { Err(not_a_jwt()) }
}

/// Whether the access token of a record ended more than `leeway` ago, or there is none.
///
/// Its end is that of the field or of the record. If neither is known, it is the claim `exp` of a
/// token that is a JWT. A token without a known end has not expired.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use keyward_core::{Field, Record, Timestamp};
/// use keyward_oauth2::is_expired;
///
/// let end = Some(Timestamp::from_unix(1000));
/// let token = Field::secret("opaque").with_expires(end);
/// let record = Record::new("oauth2").with("access_token", token);
/// let now = Timestamp::from_unix(1010);
/// assert!(is_expired(&record, now, Duration::ZERO));
/// assert!(!is_expired(&record, now, Duration::from_secs(30)));
/// ```
pub fn is_expired(record: &Record, now: Timestamp, leeway: Duration) -> bool {
    let has_token = record.field(fields::ACCESS_TOKEN).is_some_and(|it| !it.value.is_empty());
    !has_token || expiry(record).is_some_and(|expires| expires.after(leeway) <= now)
}

/// Returns when the access token of a record ends, as far as that is known.
pub(crate) fn expiry(record: &Record) -> Option<Timestamp> {
    let token = record.field(fields::ACCESS_TOKEN)?;
    let said = token.expires.into_iter().chain(record.expires).min();
    said.or_else(|| seconds(times(&token.value)?.exp).map(Timestamp::from_unix))
}

/// Returns for how long a JWT is good, whatever the clock of this machine says.
pub(crate) fn life(token: &Secret) -> Option<Duration> {
    let Times { exp, iat } = times(token)?;
    seconds(exp)?.checked_sub(seconds(iat)?).map(Duration::from_secs)
}

/// The claims about time, which are seconds since 1970 and may have fractions.
#[derive(Deserialize)]
struct Times {
    exp: Option<serde_json::Number>,
    iat: Option<serde_json::Number>,
}

fn times(token: &Secret) -> Option<Times> {
    serde_json::from_slice(claims(token).ok()?.expose()).ok()
}

fn seconds(claim: Option<serde_json::Number>) -> Option<u64> {
    let seconds = claim?.as_f64()?;
    (0.0..1e15).contains(&seconds).then_some(seconds as u64)
}
