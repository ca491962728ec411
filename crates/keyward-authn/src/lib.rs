//! Authenticators: how a request gets a credential.
//!
//! An authenticator takes a description of a request, a record and what a server answered, and says
//! what to do: which headers to add, or which other request to send first. It does no I/O, so it
//! works with every client. The contract is that of
//! [`Authenticator`](keyward_plugin::Authenticator). Each is registered as a backend.
//!
//! | name | what it does | record |
//! |---|---|---|
//! | [`basic`](Basic) | RFC 7617: a username and a password | `user-password` |
//! | [`digest`](Digest) | RFC 7616: a username and a hash of the password | `user-password` |
//! | [`html-form`](HtmlForm) | a form that gives cookies | any |
//! | [`bearer`](Bearer) | RFC 6750: a token | `token`, `oauth2`, `api-key` |
//! | [`registry-token`](RegistryToken) | a token of a container registry | none or `user-password` |
//! | [`client-certificate`](ClientCertificate) | a certificate of the client | `client-certificate` |
//! | [`loris`](Loris) | a token of LORIS, for a password | `user-password` |
//! | [`nda`](Nda) | a signature with a key of NDA, for a password | `user-password` |
//! | [`xnat`](Xnat) | a session of XNAT, for a password | `user-password` |
//! | [`aws-sigv4`](AwsSigV4) | AWS Signature Version 4 | `aws`, `s3` |
//! | [`token`](Token) | a token in any header | `token`, `oauth2`, `api-key` |
//! | [`auto`](Auto) | what the server asks for | what fits |
//!
//! # Examples
//! ```
//! use keyward_authn::Basic;
//! use keyward_plugin::{Authenticator, Event, Field, Record, RequestHead, State, Step};
//!
//! let basic = Basic::default();
//! let request = RequestHead {
//!     method: "GET".into(),
//!     url: "https://example.com/data".into(),
//!     headers: Vec::new(),
//! };
//! let record = Record::new("user-password")
//!     .with("username", Field::open("ann"))
//!     .with("password", Field::secret("s3cret"));
//! let step = basic.step(&request, Some(&record), &Event::Start, &mut State::default())?;
//! let Step::Send(additions) = step else { panic!("basic needs no other request") };
//! assert_eq!(additions.headers[0].value.expose(), b"Basic YW5uOnMzY3JldA==");
//! # Ok::<(), keyward_plugin::Error>(())
//! ```

mod auto;
mod basic;
mod bearer;
mod certificate;
mod challenge;
mod cookies;
mod credential;
mod digest;
mod form;
mod hash;
mod login;
mod loris;
mod nda;
mod pages;
mod registry;
mod service;
mod session;
mod sigv4;
mod xnat;

pub use auto::Auto;
pub use basic::Basic;
pub use bearer::{Bearer, Token};
pub use certificate::ClientCertificate;
pub use challenge::{Challenge, challenges};
pub use digest::Digest;
pub use form::HtmlForm;
pub use hash::hash_body;
pub use loris::{Loris, LorisTokens};
pub use nda::{Nda, NdaKeys};
pub use registry::RegistryToken;
pub use service::Service;
pub use sigv4::{AwsSigV4, is_label};
pub use xnat::Xnat;

#[cfg(test)]
mod tests;

keyward_plugin::register!(
    authenticator: Auto,
    authenticator: AwsSigV4,
    authenticator: Basic,
    authenticator: Bearer,
    authenticator: ClientCertificate,
    authenticator: Digest,
    authenticator: HtmlForm,
    authenticator: Loris,
    authenticator: Nda,
    authenticator: RegistryToken,
    authenticator: Token,
    authenticator: Xnat,
);

/// Opens the authenticator of this name with these options.
#[cfg(test)]
fn open(
    name: &str,
    values: &keyward_plugin::Values,
) -> keyward_plugin::Result<Box<dyn keyward_plugin::Authenticator>> {
    use std::sync::Arc;

    let host: Arc<dyn keyward_plugin::Host> =
        Arc::new(keyward_testkit::TestHost::new().on_system_time());
    keyward_plugin::Registry::linked()?.open(name, values, &host)
}
