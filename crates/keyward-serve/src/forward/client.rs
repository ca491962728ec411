//! What the client presented.

use hyper::header::{ACCEPT, AUTHORIZATION, HeaderMap};
use keyward_core::{Attempt, Secret};

use super::original::Original;
use crate::web::From;

/// Returns the values of the header `Authorization`.
pub(super) fn authorization(headers: &HeaderMap) -> Vec<Secret> {
    headers.get_all(AUTHORIZATION).iter().map(|value| Secret::from(value.as_bytes())).collect()
}

/// Whether a browser shows the answer to a person.
pub(super) fn wants_page(headers: &HeaderMap, method: &str) -> bool {
    let accepts = headers
        .get_all(ACCEPT)
        .iter()
        .any(|value| value.as_bytes().windows(9).any(|text| text == b"text/html"));
    method == "GET" && accepts
}

/// Returns the circumstances. A connection is private if the client's is, and the web server's. A
/// client on the web server's own machine needs no TLS.
pub(super) fn attempt(original: &Original, from: From) -> Attempt {
    let attempt = Attempt::from_address(original.address.to_string())
        .to("http")
        .with_detail("host", &original.host)
        .with_detail("method", &original.method)
        .with_detail("path", &original.path);
    match from.private && (original.secure || original.address.is_loopback()) {
        true => attempt.private(),
        false => attempt,
    }
}
