//! Writes requests to a token endpoint.

use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, Uri};
use keyward_core::{Record, Result, Secret, SecretWriter, Timestamp};
use keyward_kinds::fields;
use percent_encoding::percent_encode;

use crate::assertion;
use crate::client::{Client, ClientAuthentication, FORM, RequestFormat, field, invalid, url};
use crate::secrets::Secrets;

/// What an assertion is that shows who a client is (RFC 7523 section 2.2).
const JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Returns a request that the client of a record sends to an endpoint of its server, with these
/// parameters and those that show who the client is. `now` is the server's time.
///
/// # Errors
/// `Invalid` if the record is incomplete, or a value cannot be sent.
pub(crate) fn to_endpoint(
    record: &Record,
    endpoint: &Uri,
    mut parameters: Vec<(&str, Secret)>,
    now: Timestamp,
) -> Result<Request<Secret>> {
    let client = Client::read(record)?;
    let mut request = Request::post(endpoint.clone()).header(ACCEPT, "application/json");
    let is_named = parameters.iter().any(|(name, _)| *name == "assertion");
    match (client.authentication, &client.secret) {
        (ClientAuthentication::Basic, Some(secret)) => {
            request = request.header(AUTHORIZATION, basic(&client.id, secret)?);
        }
        (ClientAuthentication::Post, Some(secret)) => {
            parameters.push(("client_id", client.id.as_str().into()));
            parameters.push(("client_secret", secret.clone()));
        }
        (ClientAuthentication::PrivateKeyJwt, _) => {
            parameters.push(("client_id", client.id.as_str().into()));
            parameters.push(("client_assertion_type", JWT.into()));
            parameters.push(("client_assertion", assertion::signed(record, &client.id, now)?));
        }
        // RFC 7521 section 4.1: an assertion says who the client is.
        _ if is_named => {}
        _ => parameters.push(("client_id", client.id.as_str().into())),
    }
    let secrets = Secrets::from(record).with_parameters(&parameters);
    let (media_type, body) = match client.format {
        RequestFormat::Form => ("application/x-www-form-urlencoded", form(&parameters)),
        RequestFormat::Json => ("application/json", json(&parameters)?),
    };
    let request = request.header(CONTENT_TYPE, media_type).extension(secrets).body(body);
    request.map_err(|_| invalid("the request cannot be written"))
}

/// Returns a request for an access token in return for a developer's token, as pancloud sends it.
///
/// # Errors
/// `Invalid` if the record lacks the token or the URL, or the token cannot be sent.
pub(crate) fn with_developer_token(record: &Record) -> Result<Request<Secret>> {
    let token = &field(record, fields::DEVELOPER_TOKEN)?.value;
    let mut header = SecretWriter::new();
    let written = header.write_all(b"Bearer ").and_then(|()| header.write_all(token.expose()));
    written.expect("memory can be written");
    Request::post(url(record, fields::DEVELOPER_TOKEN_URL)?)
        .header(ACCEPT, "application/json")
        .header(AUTHORIZATION, sensitive(&header.finish())?)
        .extension(Secrets::from(record))
        .body(Secret::default())
        .map_err(|_| invalid("the request cannot be written"))
}

/// Returns the header of a client's name and secret, which RFC 6749 section 2.3.1 wants escaped.
fn basic(id: &str, secret: &Secret) -> Result<HeaderValue> {
    let mut plain = SecretWriter::new();
    let written = write!(plain, "{}:", percent_encode(id.as_bytes(), FORM))
        .and_then(|()| write!(plain, "{}", percent_encode(secret.expose(), FORM)));
    written.map_err(|_| invalid("the client's secret cannot be written"))?;
    let plain = plain.finish();
    let mut text = vec![0; b"Basic ".len() + base64::encoded_len(plain.len(), true).unwrap_or(0)];
    text[..6].copy_from_slice(b"Basic ");
    let encoded = BASE64_STANDARD.encode_slice(plain.expose(), &mut text[6..]);
    encoded.map_err(|_| invalid("the client's secret is too long"))?;
    sensitive(&Secret::new(text))
}

/// Returns a header with a secret in it.
pub(crate) fn sensitive(value: &Secret) -> Result<HeaderValue> {
    let header = HeaderValue::from_bytes(value.expose());
    let mut header = header.map_err(|_| invalid("a header cannot contain this secret"))?;
    header.set_sensitive(true);
    Ok(header)
}

fn form(parameters: &[(&str, Secret)]) -> Secret {
    let mut body = SecretWriter::new();
    for (at, (name, value)) in parameters.iter().enumerate() {
        let separator = if at == 0 { "" } else { "&" };
        let value = percent_encode(value.expose(), FORM);
        write!(body, "{separator}{}={value}", percent_encode(name.as_bytes(), FORM))
            .expect("memory can be written");
    }
    body.finish()
}

fn json(parameters: &[(&str, Secret)]) -> Result<Secret> {
    let mut body = SecretWriter::new();
    let mut separator = "{";
    for (name, value) in parameters {
        let text = value.expose_str().ok_or_else(|| invalid("a parameter is not text"))?;
        body.write_all(separator.as_bytes()).expect("memory can be written");
        serde_json::to_writer(&mut body, name).expect("memory can be written");
        body.write_all(b":").expect("memory can be written");
        serde_json::to_writer(&mut body, text).expect("memory can be written");
        separator = ",";
    }
    body.write_all(b"}").expect("memory can be written");
    Ok(body.finish())
}
