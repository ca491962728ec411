use std::sync::Arc;

use keyward_kinds::{fields, names};
use keyward_plugin::{
    Additions, Authenticator, Backend, Event, Host, Info, NoOptions, Record, RefusalCause,
    RequestHead, Result, State, Step,
};

use crate::credential::needed;

/// A certificate with which the client identifies itself when the connection is made.
///
/// # Security
/// Each request has a separate connection, so no other request is sent in the name of the
/// certificate.
#[derive(Clone, Copy, Debug)]
pub struct ClientCertificate;

impl Backend for ClientCertificate {
    const INFO: Info = Info::new(names::CLIENT_CERTIFICATE, "A certificate of the client (TLS)");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Authenticator for ClientCertificate {
    fn step(
        &self,
        request: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        _: &mut State,
    ) -> Result<Step> {
        if let Event::Answered(answer) = event {
            return Ok(match answer.status {
                // 400, 495 and 496 are what nginx answers; others answer 401.
                400 | 401 | 495 | 496 => Step::refuse(
                    RefusalCause::WrongCredential,
                    format!("the server refuses the certificate with status {}", answer.status),
                ),
                _ => Step::Accept,
            });
        }
        let Some(record) = record else { return Ok(needed()) };
        let refuse = |why: &str| Ok(Step::refuse(RefusalCause::WrongCredential, why));
        if !request.url.starts_with("https://") {
            return refuse("a certificate can only be used with https");
        }
        if record.field(fields::PASSPHRASE).is_some() {
            return refuse("the private key has a passphrase, which cannot be used here");
        }
        let value = |name| record.field(name).map(|field| field.value.clone());
        match (value(fields::CERTIFICATE), value(fields::PRIVATE_KEY)) {
            (Some(chain), Some(key)) => {
                let certificate = Some((chain.expose().to_vec(), key));
                Ok(Step::Send(Additions { certificate, ..Additions::default() }))
            }
            _ => refuse("the credential has no certificate and private key"),
        }
    }
}
