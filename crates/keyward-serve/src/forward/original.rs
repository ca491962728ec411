//! What the client sent, as the web server tells it.

use std::net::IpAddr;

use hyper::header::{HeaderMap, HeaderName};

use super::dialect::{Dialect, Place};
use super::{host, path};
use crate::web::Request;

/// The client's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Original {
    pub(super) method: String,
    /// In lower case, without its port.
    pub(super) host: String,
    /// As the client sent it.
    pub(super) authority: String,
    /// As the client sent it.
    pub(super) target: String,
    /// The path of the target, decoded.
    pub(super) path: String,
    /// Whether the client used TLS.
    pub(super) secure: bool,
    pub(super) address: IpAddr,
}

/// The headers of an answer that tell the server behind who the client is. All are in every answer.
pub(super) const IDENTITY: [HeaderName; 2] =
    [HeaderName::from_static("remote-user"), HeaderName::from_static("remote-factors")];

impl Original {
    /// Reads the headers of the dialect.
    ///
    /// # Errors
    /// Why the request is refused, for the log.
    pub(super) fn read(dialect: &Dialect, request: &Request) -> Result<Self, String> {
        let headers = request.headers();
        check_aliases(dialect, headers)?;
        let (method, authority, target) = match dialect.request {
            Place::Headers { method, host, target } => {
                (only(headers, method)?, only(headers, host)?, only(headers, target)?)
            }
            Place::Request => {
                let target = request.uri().path_and_query().map_or("", |target| target.as_str());
                (request.method().as_str(), only(headers, "host")?, target)
            }
        };
        let (secure, address) = connection(dialect, headers)?;
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if !(1..=32).contains(&method.len()) || !method.bytes().all(is_token) {
            return Err(unclear("method"));
        }
        Ok(Self {
            host: host::parse(authority).ok_or_else(|| unclear("host"))?,
            path: path::parse(target).ok_or_else(|| unclear("path"))?,
            secure,
            address,
            method: method.to_owned(),
            authority: authority.to_owned(),
            target: target.to_owned(),
        })
    }
}

fn unclear(what: &str) -> String {
    format!("the {what} of the client's request is not clear")
}

/// Returns whether the client used TLS, and its address.
pub(super) fn connection(dialect: &Dialect, headers: &HeaderMap) -> Result<(bool, IpAddr), String> {
    let address = only(headers, dialect.address)?;
    let address = match dialect.appends_address {
        true => address.rsplit(',').next().unwrap_or(address).trim(),
        false => address,
    };
    let secure = match only(headers, dialect.scheme)? {
        "https" | "wss" => true,
        "http" | "ws" => false,
        _ => return Err(unclear("scheme")),
    };
    let address = address.parse::<IpAddr>().map_err(|_| unclear("address"))?;
    Ok((secure, address.to_canonical()))
}

/// Returns the value of a header that must be there exactly once.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, String> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => {
            value.to_str().map_err(|_| format!("the header {name} is not readable"))
        }
        (None, _) => Err(format!("the header {name} is missing")),
        (Some(_), Some(_)) => Err(format!("the header {name} is there twice")),
    }
}

/// Refuses a header that other programs take for one that has a meaning here: for CGI, `Remote_User`
/// and `Remote.User` are `Remote-User`.
fn check_aliases(dialect: &Dialect, headers: &HeaderMap) -> Result<(), String> {
    for name in headers.keys().filter(|name| name.as_str().contains(['_', '.'])) {
        let plain = name.as_str().replace(['_', '.'], "-");
        let is_identity = IDENTITY.iter().any(|header| header.as_str() == plain);
        let is_credential = ["authorization", "cookie", "host"].contains(&plain.as_str());
        if is_identity || is_credential || dialect.headers().any(|header| header == plain) {
            return Err(format!("a header looks like {plain}"));
        }
    }
    Ok(())
}
