//! Answers for web servers. Each contains all headers about the client's identity: a web server that
//! finds one missing would leave what the client sent in its place.

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use keyward_core::Secret;
use keyward_portal::{Visitor, http};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::Dialect;
use super::login::PLACE;
use super::original::IDENTITY;
use crate::web::{self, Response};

/// The client may come in.
pub(super) fn allowed(visitor: Option<&Visitor>, headers: &[(&'static str, Secret)]) -> Response {
    let mut response = web::with_body(StatusCode::OK, "");
    for (name, value) in headers {
        insert(&mut response, name, value.expose());
    }
    match visitor {
        Some(visitor) => {
            let identity = visitor.identity.as_ref().map(|identity| identity.as_str());
            identify(response, identity, &visitor.factors)
        }
        None => unidentified(response),
    }
}

/// The client may not come in, and is told so.
pub(super) fn refused(dialect: &Dialect, refusal: &http::Response) -> Response {
    let mut response = plain(dialect, refusal.status, refusal.body);
    for (name, value) in &refusal.headers {
        if *name != "Content-Type" && *name != "Cache-Control" {
            insert(&mut response, name, value.as_bytes());
        }
    }
    response
}

/// The client may not come in, for a reason that has nothing to do with who it is.
pub(super) fn plain(dialect: &Dialect, status: u16, text: &'static str) -> Response {
    let status = match status {
        // nginx would say that it is broken.
        400 | 429 if !dialect.passes_answers => StatusCode::FORBIDDEN,
        _ => StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN),
    };
    unidentified(web::text(status, text))
}

/// A client that has a keycard may come in.
pub(super) fn known(identity: Option<&str>, factors: &[String]) -> Response {
    identify(web::with_body(StatusCode::OK, ""), identity, factors)
}

/// The client may log in on the page. nginx sends a browser there by itself, because it passes on
/// no other answers than 401 and 403.
pub(super) fn to_login(dialect: &Dialect, target: &str, is_page: bool) -> Response {
    if !dialect.passes_answers || !is_page {
        return plain(dialect, 401, "Unauthorized\n");
    }
    let to = utf8_percent_encode(target, NON_ALPHANUMERIC);
    let mut response = plain(dialect, 302, "");
    insert(&mut response, "location", format!("{PLACE}login?to={to}").as_bytes());
    response
}

fn identify(mut response: Response, identity: Option<&str>, factors: &[String]) -> Response {
    let (Ok(name), Ok(factors)) = (
        HeaderValue::from_bytes(identity.unwrap_or_default().as_bytes()),
        HeaderValue::from_str(&factors.join(",")),
    ) else {
        return unidentified(web::text(StatusCode::FORBIDDEN, "Forbidden\n"));
    };
    let [user, proved] = IDENTITY;
    response.headers_mut().insert(user, name);
    response.headers_mut().insert(proved, factors);
    response
}

fn unidentified(mut response: Response) -> Response {
    for name in IDENTITY {
        response.headers_mut().insert(name, HeaderValue::from_static(""));
    }
    response
}

fn insert(response: &mut Response, name: &'static str, value: &[u8]) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value)) {
        response.headers_mut().append(name, value);
    }
}
