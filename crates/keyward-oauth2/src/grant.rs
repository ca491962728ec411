use http::Request;
use keyward_core::{Record, Result, Secret, Timestamp};
use keyward_kinds::fields;

use crate::client::{ClientAuthentication, field, parameters, text, url};
use crate::{assertion, request};

/// How the names of types of tokens begin (RFC 8693 section 3).
const TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:";

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
    /// An assertion that someone may act (RFC 7523 section 2.1). Without one, the client signs it
    /// with its own key, for the record's user or for itself.
    JwtBearer(Option<Secret>),
    /// The subject token of the record, and its actor token if it has one (RFC 8693).
    TokenExchange,
    /// The developer's token of the record, for another service than the token endpoint.
    DeveloperToken,
}

impl Grant {
    /// Returns the grant that renews the tokens of a record, if it has one: its developer's token,
    /// its refresh token, or what its field `grant` says.
    pub fn renewing(record: &Record) -> Option<Self> {
        let grant = text(record, fields::GRANT).unwrap_or_default();
        let has = |name| record.field(name).is_some();
        let is_developer = has(fields::DEVELOPER_TOKEN) && has(fields::DEVELOPER_TOKEN_URL);
        if is_developer || grant == "developer_token" {
            return Some(Self::DeveloperToken);
        }
        if let Some(token) = record.field(fields::REFRESH_TOKEN) {
            return Some(Self::RefreshToken(token.value.clone()));
        }
        match grant {
            "client_credentials" => Some(Self::ClientCredentials),
            "jwt_bearer" => Some(Self::JwtBearer(None)),
            "token_exchange" => Some(Self::TokenExchange),
            _ => None,
        }
    }

    /// Whether `record` would be renewed with this grant.
    ///
    /// If not, someone else has logged in again or refreshed meanwhile.
    pub(crate) fn renews(&self, record: &Record) -> bool {
        match (self, Self::renewing(record)) {
            (Self::RefreshToken(ours), Some(Self::RefreshToken(theirs))) => *ours == theirs,
            (Self::ClientCredentials, Some(Self::ClientCredentials))
            | (Self::JwtBearer(None), Some(Self::JwtBearer(None)))
            | (Self::TokenExchange, Some(Self::TokenExchange))
            | (Self::DeveloperToken, Some(Self::DeveloperToken)) => true,
            _ => false,
        }
    }

    /// Whether the request contains something that the client signed, and so the time.
    pub(crate) fn is_signed(&self, record: &Record) -> bool {
        matches!(self, Self::JwtBearer(None))
            || ClientAuthentication::read(record).ok() == Some(ClientAuthentication::PrivateKeyJwt)
    }

    /// Returns the request for tokens of a record. `now` is the server's time.
    ///
    /// # Errors
    /// `Invalid` if the record lacks something.
    pub(crate) fn request(&self, record: &Record, now: Timestamp) -> Result<Request<Secret>> {
        if let Self::DeveloperToken = self {
            return request::with_developer_token(record);
        }
        let mut sent = self.parameters(record, now)?;
        if let Some(scope) = record.field(fields::SCOPE).filter(|_| self.names_scope()) {
            sent.push(("scope", scope.value.clone()));
        }
        let more = parameters(record);
        sent.extend(more.iter().map(|(name, value)| (name.as_str(), value.clone())));
        request::to_endpoint(record, &url(record, fields::TOKEN_URL)?, sent, now)
    }

    /// Returns the parameters of the request, the scope excepted.
    fn parameters(&self, record: &Record, now: Timestamp) -> Result<Vec<(&'static str, Secret)>> {
        Ok(match self {
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
            Self::JwtBearer(assertion) => {
                let assertion = match assertion {
                    Some(assertion) => assertion.clone(),
                    None => {
                        let client = text(record, fields::CLIENT_ID).unwrap_or_default();
                        let subject = text(record, fields::USERNAME).unwrap_or(client);
                        assertion::signed(record, subject, now)?
                    }
                };
                vec![
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".into()),
                    ("assertion", assertion),
                ]
            }
            Self::TokenExchange => exchange(record)?,
            Self::DeveloperToken => vec![],
        })
    }

    /// Whether the request says for which scopes the tokens should be. A refreshed token keeps those
    /// that it has, and those of a code were asked for with the code.
    pub(crate) fn names_scope(&self) -> bool {
        !matches!(
            self,
            Self::AuthorizationCode { .. } | Self::DeviceCode(_) | Self::RefreshToken(_)
        )
    }
}

/// Returns the parameters of an exchange of tokens.
fn exchange(record: &Record) -> Result<Vec<(&'static str, Secret)>> {
    let token_type = |name| match text(record, name) {
        Some(short) if !short.contains(':') => format!("{TOKEN_TYPE}{short}").into(),
        Some(uri) => uri.into(),
        None => format!("{TOKEN_TYPE}access_token").into(),
    };
    let mut sent = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange".into()),
        ("subject_token", field(record, fields::SUBJECT_TOKEN)?.value.clone()),
        ("subject_token_type", token_type(fields::SUBJECT_TOKEN_TYPE)),
    ];
    if let Some(actor) = record.field(fields::ACTOR_TOKEN) {
        sent.push(("actor_token", actor.value.clone()));
        sent.push(("actor_token_type", token_type(fields::ACTOR_TOKEN_TYPE)));
    }
    if record.field(fields::REQUESTED_TOKEN_TYPE).is_some() {
        sent.push(("requested_token_type", token_type(fields::REQUESTED_TOKEN_TYPE)));
    }
    Ok(sent)
}
