use http::{Request, StatusCode};
use keyward_core::{Error, ErrorKind, Field, Record, Result, Secret};
use keyward_kinds::fields;
use serde::Deserialize;

use crate::client::{self, invalid, text};
use crate::response::{self, Item};
use crate::tokens::Tokens;

impl Tokens {
    /// Returns a record with the endpoints that its issuer publishes (RFC 8414, OpenID Connect
    /// Discovery). Endpoints that the record has already stay.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the issuer publishes none;
    /// [`Refused`](ErrorKind::Refused) if what it publishes belongs to another issuer;
    /// [`Invalid`](ErrorKind::Invalid) or `Refused` if an endpoint is no URL that may be used: it
    /// must begin with `https`, or with `http` for this machine, and contain no password.
    pub fn discover(&self, mut record: Record) -> Result<Record> {
        let issuer = text(&record, fields::ISSUER).ok_or_else(|| invalid("there is no issuer"))?;
        let metadata = self.metadata(issuer)?;
        // RFC 8414 section 3.3: or else one server could name the endpoints of another one.
        if metadata.issuer.as_text() != Some(issuer) {
            return Err(Error::new(ErrorKind::Refused, "login")
                .because(format!("{issuer} publishes the endpoints of another issuer")));
        }
        let found = [
            (fields::AUTHORIZATION_URL, metadata.authorization_endpoint),
            (fields::TOKEN_URL, metadata.token_endpoint),
            (fields::DEVICE_URL, metadata.device_authorization_endpoint),
            (fields::REVOCATION_URL, metadata.revocation_endpoint),
            (fields::INTROSPECTION_URL, metadata.introspection_endpoint),
        ];
        for (name, url) in found {
            if let (None, Some(url)) = (record.field(name), url.text()) {
                record = record.with(name, Field::open(url));
                client::url(&record, name)?;
            }
        }
        // RFC 9207 section 2.4.
        if metadata.authorization_response_iss_parameter_supported == Some(true) {
            record = record.with(fields::CALLBACK_ISSUER, Field::open("required"));
        }
        Ok(record)
    }

    fn metadata(&self, issuer: &str) -> Result<Metadata> {
        for url in metadata_urls(issuer) {
            let request = Request::get(&url).header("accept", "application/json");
            let request =
                request.body(Secret::default()).map_err(|_| invalid("the issuer is not a URL"))?;
            let response = self.send(request)?;
            match response::parse(response.body().expose()) {
                Some(metadata) if response.status() == StatusCode::OK => return Ok(metadata),
                _ => {}
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "login")
            .because(format!("{issuer} does not publish its endpoints"))
            .hint("Name them: --token-url, --authorization-url"))
    }
}

/// Returns where an issuer may publish its endpoints: OpenID Connect appends the path, RFC 8414
/// section 3.1 inserts it.
fn metadata_urls(issuer: &str) -> [String; 2] {
    let issuer = issuer.trim_end_matches('/');
    let host = issuer.find("://").map_or(0, |at| at + 3);
    let path = issuer[host..].find('/').map_or(issuer.len(), |at| host + at);
    let (origin, path) = issuer.split_at(path);
    [
        format!("{issuer}/.well-known/openid-configuration"),
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
    ]
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    issuer: Item,
    authorization_endpoint: Item,
    token_endpoint: Item,
    device_authorization_endpoint: Item,
    revocation_endpoint: Item,
    introspection_endpoint: Item,
    authorization_response_iss_parameter_supported: Option<bool>,
}
