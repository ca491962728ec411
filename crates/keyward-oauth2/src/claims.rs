use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keyward_core::{Error, Result, Secret};

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
