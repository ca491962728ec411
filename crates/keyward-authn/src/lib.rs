//! Authenticators: how a request gets a credential.
//!
//! An authenticator takes a description of a request, a record and what a server answered, and says
//! what to do: which headers to add, or which other request to send first. It does no I/O, so it
//! works with every client. The contract is that of [`Authenticator`].
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
//! use keyward_authn::open;
//! use keyward_plugin::{Event, Field, Record, RequestHead, State, Step, Values};
//!
//! let basic = open("basic", &Values::new())?;
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
mod no_host;
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

use std::sync::Arc;

use no_host::NoHost;

use keyward_plugin::{
    Authenticator, Backend, Error, Host, Info, OptionSpec, Options, Result, Values, printable,
};

#[cfg(test)]
mod tests;

/// An authenticator that comes with Keyward.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// Its name and what it does.
    pub info: Info,
    /// Its options.
    pub options: &'static [OptionSpec],
    open: fn(&Values) -> Result<Box<dyn Authenticator>>,
}

impl BuiltIn {
    const fn new<A: Backend + Authenticator>() -> Self {
        Self {
            info: A::INFO,
            options: A::Options::TABLE,
            open: |values| {
                let host: Arc<dyn Host> = Arc::new(NoHost);
                Ok(Box::new(A::open(A::Options::read(values)?, &host)?))
            },
        }
    }
}

/// The authenticators that come with Keyward, by name.
pub const BUILT_IN: &[BuiltIn] = &[
    BuiltIn::new::<Auto>(),
    BuiltIn::new::<AwsSigV4>(),
    BuiltIn::new::<Basic>(),
    BuiltIn::new::<Bearer>(),
    BuiltIn::new::<ClientCertificate>(),
    BuiltIn::new::<Digest>(),
    BuiltIn::new::<HtmlForm>(),
    BuiltIn::new::<Loris>(),
    BuiltIn::new::<Nda>(),
    BuiltIn::new::<RegistryToken>(),
    BuiltIn::new::<Token>(),
    BuiltIn::new::<Xnat>(),
];

/// Opens the authenticator of this name with these options.
///
/// # Errors
/// [`Invalid`](keyward_plugin::ErrorKind::Invalid) if there is none of this name, or it does not take
/// these options.
pub fn open(name: &str, values: &Values) -> Result<Box<dyn Authenticator>> {
    let found = BUILT_IN.iter().find(|known| known.info.name == name);
    let built_in = found.ok_or_else(|| {
        let names: Vec<_> = BUILT_IN.iter().map(|known| known.info.name).collect();
        Error::invalid("provider", format!("there is no authenticator `{}`", printable(name)))
            .hint(format!("The authenticators are: {}", names.join(", ")))
    })?;
    let values = values.clone().complete(built_in.options);
    let values = values.map_err(|wrong| Error::from(wrong).in_backend(built_in.info.name))?;
    (built_in.open)(&values)
}
