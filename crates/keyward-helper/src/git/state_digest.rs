//! What git remembers for Keyward between `get` and `store` (`state[]`). A credential that came
//! from Keyward and was accepted need not be compared with the store, which would ask for the
//! store's passphrase a second time.

use keyward_core::{Secret, hex};
use keyward_origin::Location;
use sha2::{Digest, Sha256};

use super::{Reply, Request};

/// Git sends the state of each helper to all helpers; each recognizes its own by this prefix.
const PREFIX: &str = "keyward:";

/// Returns what git should remember of this reply: a digest, which reveals no more than the reply
/// itself and is kept as secret.
pub(super) fn state(asked: &Location, reply: &Reply) -> Secret {
    let expiry = reply.password_expiry_utc.map(|expiry| Secret::from(expiry.as_unix().to_string()));
    digest(
        asked,
        [
            &reply.username,
            &reply.password,
            &reply.authtype,
            &reply.credential,
            &reply.oauth_refresh_token,
            &expiry,
        ],
    )
}

/// Whether git stores exactly what Keyward gave it.
pub(super) fn is_unchanged(request: &Request) -> bool {
    let Some(location) = &request.location else { return false };
    let text = |text: &str| Secret::from(text);
    let state = digest(
        location,
        [
            &location.account().map(text),
            &request.password,
            &request.authtype.as_deref().map(text),
            &request.credential,
            &request.oauth_refresh_token,
            &request.password_expiry_utc.map(|expiry| Secret::from(expiry.as_unix().to_string())),
        ],
    );
    request.state.contains(&state)
}

/// Each part is preceded by whether it exists and by its length, so that two different lists have
/// different input.
fn digest(location: &Location, credential: [&Option<Secret>; 6]) -> Secret {
    let place = [location.origin().to_string(), location.path().unwrap_or_default().to_owned()];
    let place = place.map(|part| Some(Secret::from(part)));
    let mut hasher = Sha256::new();
    for part in place.iter().chain(credential) {
        hasher.update([u8::from(part.is_some())]);
        let bytes = part.as_ref().map(Secret::expose).unwrap_or_default();
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    }
    let digits = hex::encode(&hasher.finalize());
    Secret::from(format!("{PREFIX}{digits}"))
}
