//! The messages of the mechanisms with one message.

use keyward_core::{Presented, PresentedKind, Secret};

use crate::Malformed;

/// What a client gets whose token is not accepted (RFC 7628 section 3.2.2).
pub(super) const INVALID_TOKEN: &str = r#"{"status":"invalid_token"}"#;

/// The longest trace of an anonymous client, in characters (RFC 4505).
const MAX_TRACE: usize = 255;

/// Reads a message of PLAIN: whom to act as, user and password, with NULs between them.
pub(super) fn plain(message: &Secret) -> Result<Presented, Malformed> {
    const WRONG: Malformed = Malformed::new("it is not a message of PLAIN");
    let parts: Vec<_> = message.expose().split(|byte| *byte == 0).collect();
    let [authzid, user, password] = parts.as_slice() else { return Err(WRONG) };
    let text = |part| std::str::from_utf8(part).map_err(|_| WRONG);
    let (authzid, user) = (text(authzid)?, text(user)?);
    if user.is_empty() {
        return Err(WRONG);
    }
    Ok(acting_as(Presented::password(user, *password), authzid))
}

/// Reads a message of EXTERNAL: whom to act as.
pub(super) fn external(message: &Secret, certificate: Secret) -> Result<Presented, Malformed> {
    let wrong = Malformed::new("it is not a message of EXTERNAL");
    let authzid = message.expose_str().filter(|text| !text.contains('\0')).ok_or(wrong)?;
    let presented = Presented::new(PresentedKind::CLIENT_CERTIFICATE);
    Ok(acting_as(presented.with("certificate", certificate), authzid))
}

/// Reads a message of ANONYMOUS: what the client wants to be in the log.
pub(super) fn anonymous(message: &Secret) -> Result<Presented, Malformed> {
    let wrong = Malformed::new("it is not a message of ANONYMOUS");
    let is_trace =
        |text: &&str| text.chars().count() <= MAX_TRACE && !text.contains(char::is_control);
    let trace = message.expose_str().filter(is_trace).ok_or(wrong)?;
    Ok(Presented::anonymous().with("trace", trace))
}

/// Reads a message of OAUTHBEARER: a header as in SCRAM, and fields with ^A after each.
pub(super) fn oauth_bearer(message: &Secret) -> Result<Presented, Malformed> {
    const WRONG: Malformed = Malformed::new("it is not a message of OAUTHBEARER");
    let text = message.expose_str().ok_or(WRONG)?;
    let (header, fields) = text.split_once('\u{1}').ok_or(WRONG)?;
    let authzid = match header.strip_prefix("n,").or(header.strip_prefix("y,")) {
        Some(",") => "",
        Some(rest) => {
            rest.strip_prefix("a=").and_then(|rest| rest.strip_suffix(',')).ok_or(WRONG)?
        }
        None => return Err(WRONG),
    };
    if authzid.contains([',', '=']) {
        return Err(WRONG);
    }
    let fields = fields.strip_suffix("\u{1}\u{1}").ok_or(WRONG)?;
    let mut tokens = fields.split('\u{1}').filter_map(|field| field.strip_prefix("auth="));
    let (Some(value), None) = (tokens.next(), tokens.next()) else { return Err(WRONG) };
    let (scheme, token) = value.split_once(' ').ok_or(WRONG)?;
    if !scheme.eq_ignore_ascii_case("Bearer") || !is_token(token.as_bytes()) {
        return Err(WRONG);
    }
    Ok(acting_as(Presented::new(PresentedKind::TOKEN).with("token", token), authzid))
}

/// Whether it can be a bearer token (RFC 6750 section 2.1).
pub(crate) fn is_token(token: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
    !token.is_empty() && token.iter().all(is_part)
}

fn acting_as(presented: Presented, authzid: &str) -> Presented {
    if authzid.is_empty() { presented } else { presented.with("authzid", authzid) }
}
