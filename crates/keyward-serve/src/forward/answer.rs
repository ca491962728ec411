//! Answers for web servers. Each contains all headers about the client's identity: a web server that
//! finds one missing would leave what the client sent in its place.

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use keyward_core::Secret;
use keyward_portal::{Visitor, http};

use super::Dialect;
use super::original::IDENTITY;
use crate::web::{self, Response};

/// The client may come in.
pub(super) fn allowed(visitor: Option<&Visitor>, headers: &[(&'static str, Secret)]) -> Response {
    let mut response = web::with_body(StatusCode::OK, "");
    for (name, value) in headers {
        insert(&mut response, name, value.expose());
    }
    match visitor {
        Some(visitor) => identify(response, visitor),
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

fn identify(mut response: Response, visitor: &Visitor) -> Response {
    let name = visitor.identity.as_ref().map_or("", |identity| identity.as_str());
    let (Ok(name), Ok(factors)) = (
        HeaderValue::from_bytes(name.as_bytes()),
        HeaderValue::from_str(&visitor.factors.join(",")),
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
