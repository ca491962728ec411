use keyward_core::{Record, Secret};
use keyward_kinds::fields;

use crate::client::text;

/// What a client gives the server in return for tokens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Grant {
    /// The code that the server sent after a user agreed (RFC 6749 section 4.1, RFC 7636).
    AuthorizationCode {
        /// The code.
        code: Secret,
        /// Where the server sent it.
        redirect_uri: String,
        /// What the challenge in the authorization request was made from.
        verifier: Secret,
    },
    /// The code of a device on which no browser runs (RFC 8628).
    DeviceCode(Secret),
    /// Nothing but the client itself (RFC 6749 section 4.4).
    ClientCredentials,
    /// The refresh token that came with the last access token (RFC 6749 section 6).
    RefreshToken(Secret),
    /// The password of a user (RFC 6749 section 4.3), for servers that know nothing better.
    Password {
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
}

impl Grant {
    /// Returns the grant that renews the tokens of a record, if it has one.
    pub(crate) fn renewing(record: &Record) -> Option<Self> {
        if let Some(token) = record.field(fields::REFRESH_TOKEN) {
            return Some(Self::RefreshToken(token.value.clone()));
        }
        match text(record, fields::GRANT)? {
            "client_credentials" => Some(Self::ClientCredentials),
            _ => None,
        }
    }

    /// Whether `record` would be renewed with this grant.
    ///
    /// If not, someone else has logged in again or refreshed meanwhile.
    pub(crate) fn renews(&self, record: &Record) -> bool {
        match (self, Self::renewing(record)) {
            (Self::RefreshToken(ours), Some(Self::RefreshToken(theirs))) => *ours == theirs,
            (Self::ClientCredentials, Some(Self::ClientCredentials)) => true,
            _ => false,
        }
    }

    /// Returns the parameters of the request, the scope excepted.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, Secret)> {
        match self {
            Self::AuthorizationCode { code, redirect_uri, verifier } => vec![
                ("grant_type", "authorization_code".into()),
                ("code", code.clone()),
                ("redirect_uri", redirect_uri.as_str().into()),
                ("code_verifier", verifier.clone()),
            ],
            Self::DeviceCode(code) => vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code".into()),
                ("device_code", code.clone()),
            ],
            Self::ClientCredentials => vec![("grant_type", "client_credentials".into())],
            Self::RefreshToken(token) => {
                vec![("grant_type", "refresh_token".into()), ("refresh_token", token.clone())]
            }
            Self::Password { username, password } => vec![
                ("grant_type", "password".into()),
                ("username", username.as_str().into()),
                ("password", password.clone()),
            ],
        }
    }

    /// Whether the request says for which scopes the tokens should be. A refreshed token keeps those
    /// that it has, and those of a code were asked for with the code.
    pub(crate) fn names_scope(&self) -> bool {
        matches!(self, Self::ClientCredentials | Self::Password { .. })
    }
}
