//! Browsers that have logged in on the page.

use hyper::header::{COOKIE, HeaderMap};
use keyward_bouncer::cookie::Signed;
use keyward_bouncer::{Keycard, KeycardId, RequesterId};
use keyward_config::now;
use keyward_core::{Attempt, Result, Secret};

use super::original::Original;
use crate::bouncer::Bouncer;
use crate::server::State;

/// The requester of the keycards of browsers.
pub(super) fn requester() -> RequesterId {
    RequesterId::new("forward")
}

/// The name of the cookie. With TLS, a browser sends a cookie of this name to its host alone.
pub(super) const fn name(secure: bool) -> &'static str {
    if secure { "__Host-keyward" } else { "keyward" }
}

/// Returns the value of the cookie; `None` if it is not there, or there twice.
pub(super) fn read(headers: &HeaderMap, secure: bool) -> Option<Secret> {
    let mut found = None;
    for header in headers.get_all(COOKIE) {
        for pair in header.as_bytes().split(|byte| *byte == b';') {
            let Some(value) = pair.trim_ascii().strip_prefix(name(secure).as_bytes()) else {
                continue;
            };
            let Some(value) = value.strip_prefix(b"=") else { continue };
            if found.replace(Secret::from(value)).is_some() {
                return None;
            }
        }
    }
    found
}

/// Makes the value of `Set-Cookie` for a keycard, or one that removes the cookie.
///
/// # Errors
/// Those of the keys.
pub(super) fn set(
    state: &State,
    host: &str,
    secure: bool,
    id: Option<&KeycardId>,
    address: Option<&str>,
) -> Result<String> {
    let value = match id {
        Some(id) => state.cookies.sign(id, host, address, now())?,
        None => String::new(),
    };
    let (name, secure) = (name(secure), if secure { "; Secure" } else { "" });
    let age = if id.is_none() { "; Max-Age=0" } else { "" };
    Ok(format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}"))
}

/// A browser that is in.
pub(super) struct Entered {
    pub(super) keycard: Keycard,
    /// A new cookie, if the old one will not be accepted much longer.
    pub(super) renewed: Option<String>,
}

/// Returns the keycard that a cookie names, if it lets the client in, and keeps it alive.
///
/// # Errors
/// Those of the bouncer.
pub(super) fn enter(
    cookie: &Secret,
    state: &State,
    bouncer: &Bouncer,
    original: &Original,
    attempt: &Attempt,
) -> Result<Option<Entered>> {
    let text = cookie.expose_str().unwrap_or_default();
    let (host, address) = (&original.host, bound_address(state, attempt));
    let (id, is_old) = match state.cookies.check(text, host, address, now())? {
        Signed::Invalid => return Ok(None),
        Signed::Valid(id) => (id, false),
        Signed::Renew(id) => (id, true),
    };
    let Some(keycard) = bouncer.keycards.check(&id, &requester(), attempt)? else {
        return Ok(None);
    };
    bouncer.keycards.keep_active(&keycard)?;
    let renewed = is_old.then(|| set(state, host, original.secure, Some(&id), address));
    Ok(Some(Entered { keycard, renewed: renewed.transpose()? }))
}

/// The address that cookies are bound to, if they are.
pub(super) fn bound_address<'a>(state: &State, attempt: &'a Attempt) -> Option<&'a str> {
    let login = state.config.forward.as_ref()?.login.as_ref()?;
    attempt.address.as_deref().filter(|_| login.binds_address)
}
