//! Checker `oauth`: access tokens of an OAuth server.
//!
//! It accepts [`TOKEN`](PresentedKind::TOKEN) in one of two ways:
//! - With the option `issuer`, tokens are JWTs (RFC 7519, RFC 9068), whose signatures are verified with
//!   the keys that the server publishes (OpenID Connect Discovery, RFC 8414, RFC 7517).
//! - With the option `introspection`, the server is asked about each token (RFC 7662).
//!
//! A token of another issuer, or one that is not a JWT, is unknown, so that the next checker is asked. A
//! server that cannot be reached, or that answers with something else, is an error.
//!
//! # Security
//! - The signature algorithms are RS256 to RS512, PS256 to PS512, ES256, ES384 and EdDSA with Ed25519. A
//!   token cannot choose `none`, nor an algorithm with a shared secret.
//! - A token is only accepted if it was issued for one of the `audience`s. Without that, a service
//!   to which a user gave a token could use it here.
//! - A token that is bound to a key or a certificate (`cnf`) is refused: here it would be a bearer token.
//! - Requests need TLS, except to this machine, and follow no redirects.

mod claims;
mod client;
mod introspection;
mod issuer;
mod jwk;
mod jwt;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use keyward_plugin::{
    Attempt, Backend, Checker, Error, Host, Info, Presented, PresentedKind, Result, Round, Secret,
    SecretRef, options,
};

use claims::Rules;
use client::Client;
use introspection::Introspection;
use issuer::Issuer;

keyward_plugin::register!(checker: OAuth);

/// The longest token, in bytes.
const MAX_TOKEN: usize = 16 << 10;

/// The longest time that an answer about a token may be used again.
const MAX_CACHE: Duration = Duration::from_secs(10);

options! {
    /// How to check tokens.
    pub struct Options {
        /// The server whose JWTs are accepted.
        pub issuer: Option<String>,
        /// Whom a token must be for: one of these.
        pub audience: Vec<String>,
        /// Whether to accept tokens for others too.
        pub any_audience: bool = false,
        /// The claim that becomes the identity.
        pub claim: String = "sub",
        /// The URL at which to ask about each token, instead of `issuer`.
        pub introspection: Option<String>,
        /// The name of this service at the server that is asked.
        pub client_id: Option<String>,
        /// Its secret.
        pub client_secret: Option<SecretRef>,
        /// How long an answer about a token is used again, at most 10 s.
        pub cache: Duration = "0s",
        /// How long the server may take.
        pub timeout: Duration = "10s",
    }
}

/// The checker `oauth`.
#[derive(Debug)]
pub struct OAuth {
    way: Way,
    rules: Rules,
    host: Arc<dyn Host>,
}

/// How tokens are checked.
#[derive(Debug)]
enum Way {
    Signature(Issuer),
    Question(Box<Introspection>),
}

impl Backend for OAuth {
    const INFO: Info = Info::new("oauth", "Access tokens of an OAuth or OpenID Connect server")
        .serving(&["token"]);
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        let invalid = |why: &str| Error::invalid("options", why.to_owned());
        if options.audience.is_empty() != options.any_audience {
            return Err(invalid(
                "either `audience` says whom tokens are for, or `any_audience` is true",
            )
            .hint("Without an audience, other services could use the tokens that they receive"));
        }
        if options.cache > MAX_CACHE || options.claim.is_empty() {
            return Err(invalid("`cache` is at most 10 s, and `claim` is not empty"));
        }
        let client = Client::new(Arc::clone(host), options.timeout);
        let way = match (options.issuer, options.introspection) {
            (Some(issuer), None) if options.client_id.is_none() => {
                Way::Signature(Issuer::new(issuer, client)?)
            }
            (None, Some(url)) => {
                let (Some(id), Some(secret)) = (options.client_id, options.client_secret) else {
                    return Err(invalid("`introspection` needs `client_id` and `client_secret`"));
                };
                Way::Question(Box::new(Introspection::new(
                    &url,
                    id,
                    secret,
                    client,
                    options.cache,
                )?))
            }
            _ => {
                let why = "give `issuer`, or `introspection` with `client_id` and `client_secret`";
                return Err(invalid(why));
            }
        };
        let rules = Rules { audience: options.audience, claim: options.claim };
        Ok(Self { way, rules, host: Arc::clone(host) })
    }
}

impl Checker for OAuth {
    fn accepts(&self) -> &[PresentedKind] {
        &[PresentedKind::TOKEN]
    }

    fn check(&self, presented: &Presented, _: &Attempt) -> Result<Round> {
        if !presented.is(&PresentedKind::TOKEN) {
            return Err(presented.unsupported());
        }
        let token = presented.field("token").filter(|token| is_token(token));
        let Some(token) = token else { return Ok(Round::Unknown) };
        let now = self.host.now();
        let claims = match &self.way {
            Way::Signature(issuer) => issuer.claims(token, now)?,
            Way::Question(introspection) => introspection.claims(token, now)?,
        };
        let identity = match claims {
            None => return Ok(Round::Unknown),
            Some(Err(why)) => return Ok(Round::wrong(why)),
            Some(Ok(claims)) => self.rules.identity(&claims, &self.way, now),
        };
        Ok(match identity {
            // It is not the token of the user whom the client names.
            Ok(identity) if presented.user().is_some_and(|user| user != identity.as_str()) => {
                Round::wrong(keyward_plugin::Denial::Secret)
            }
            Ok(identity) => Round::accepted(identity),
            Err(why) => Round::wrong(why),
        })
    }
}

/// Whether a token can be one (RFC 6750 section 2.1).
fn is_token(token: &Secret) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
    (1..=MAX_TOKEN).contains(&token.len()) && token.expose().iter().all(is_part)
}

/// Whether a text has the form of a JWT that can be verified; its signature is not. For the fuzz
/// target.
#[doc(hidden)]
pub fn is_jwt(token: &[u8]) -> bool {
    jwt::Jwt::parse(token).is_some()
}
