//! What a server can do with tokens that it has issued.

use std::collections::BTreeMap;

use http::Response;
use keyward_core::{Error, ErrorKind, Record, Result, Secret};
use keyward_kinds::fields;
use serde::de::IgnoredAny;

use crate::client::url;
use crate::request;
use crate::response::{self, Answer};
use crate::secrets::Secrets;
use crate::tokens::Tokens;

impl Tokens {
    /// Tells the server to forget a token of a record, in the field `access_token` or
    /// `refresh_token` (RFC 7009). Nothing happens if the record does not have it, or if it is an
    /// access token and the server revokes refresh tokens only.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the record does not say where;
    /// [`Unavailable`](ErrorKind::Unavailable) if the server does not do it.
    pub fn revoke(&self, record: &Record, field: &str) -> Result<()> {
        let Some(token) = record.field(field) else { return Ok(()) };
        let sent = vec![("token", token.value.clone()), ("token_type_hint", field.into())];
        let (response, secrets) = self.post(record, fields::REVOCATION_URL, sent)?;
        if response.status().is_success() {
            return Ok(());
        }
        // RFC 7009 section 2.2.1: the server revokes no access tokens. They end by themselves.
        if let (fields::ACCESS_TOKEN, Answer::Failed(failure)) =
            (field, response::read(&response, &secrets))
            && failure.code == "unsupported_token_type"
        {
            return Ok(());
        }
        Err(refused(&response, &secrets, "revoke", "the server has not revoked the token"))
    }

    /// Asks the server what the access token of a record is good for (RFC 7662), and returns its
    /// answer, a JSON object with at least `active`.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke).
    pub fn introspect(&self, record: &Record) -> Result<Secret> {
        let token = record
            .field(fields::ACCESS_TOKEN)
            .ok_or_else(|| Error::invalid("status", "the record has no access token"))?;
        let sent = vec![("token", token.value.clone()), ("token_type_hint", "access_token".into())];
        let (response, secrets) = self.post(record, fields::INTROSPECTION_URL, sent)?;
        let body = response.body().expose();
        let is_object = response::parse::<BTreeMap<String, IgnoredAny>>(body).is_some();
        if response.status().is_success() && is_object {
            return Ok(response.into_body());
        }
        Err(refused(
            &response,
            &secrets,
            "status",
            "the server does not say what the token is good for",
        ))
    }

    /// Sends parameters to an endpoint of a record.
    fn post(
        &self,
        record: &Record,
        endpoint: &str,
        sent: Vec<(&str, Secret)>,
    ) -> Result<(Response<Secret>, Secrets)> {
        let request =
            request::to_endpoint(record, &url(record, endpoint)?, sent, self.clock.server_now())?;
        let secrets = request.extensions().get().cloned().unwrap_or_default();
        Ok((self.send(request)?, secrets))
    }
}

/// Returns the error for a server that did not do what it was asked to.
fn refused(
    response: &Response<Secret>,
    secrets: &Secrets,
    operation: &'static str,
    why: &str,
) -> Error {
    let cause = match response::read(response, secrets) {
        Answer::GrantRefused(why) => why,
        Answer::Failed(failure) => failure.error.message().to_owned(),
        Answer::Issued(_) => return Error::new(ErrorKind::Unavailable, operation).because(why),
    };
    Error::new(ErrorKind::Unavailable, operation).because(why).caused_by(cause)
}
