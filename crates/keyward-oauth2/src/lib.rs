//! OAuth 2.0 tokens that are good whenever they are handed out.
//!
//! A record of the kind `oauth2` contains a client, the endpoints of its server, and tokens.
//! [`Tokens`] returns such a record with an access token that is good. If the token has to be
//! refreshed, one process asks the server, and all others that need it wait for the result.

mod assertion;
mod authorization;
mod callback;
mod claims;
mod client;
mod clock;
mod device;
mod discovery;
mod endpoints;
mod grant;
mod header;
mod identity;
mod provider;
mod request;
mod response;
mod save;
mod secrets;
mod state;
mod tokens;

pub use authorization::Authorization;
pub use callback::Callback;
pub use claims::{claims, is_expired};
pub use client::{Client, ClientAuthentication, RequestFormat};
pub use device::DeviceCode;
pub use grant::Grant;
pub use header::{authorization, scheme};
pub use provider::Provider;
pub use state::{RefreshState, Validity};
pub use tokens::{Tokens, Wanted};

#[cfg(test)]
mod tests;
