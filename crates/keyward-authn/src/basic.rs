use std::io::Write;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use keyward_plugin::{
    Additions, Authenticator, Backend, Error, Event, Host, Info, NoOptions, Record, RefusalCause,
    RequestHead, Result, Secret, SecretWriter, State, Step,
};

use crate::challenge::{challenges, wants};
use crate::credential::user_and_password;

/// A username and a password in each request (RFC 7617).
///
/// # Security
/// A reader of the request has the password: use it with TLS.
#[derive(Clone, Copy, Debug)]
pub struct Basic;

impl Backend for Basic {
    const INFO: Info = Info::new("basic", "A username and a password in each request (RFC 7617)");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Authenticator for Basic {
    fn step(
        &self,
        _: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        _: &mut State,
    ) -> Result<Step> {
        match event {
            Event::Challenged(answer) if !wants(answer, "basic") => Ok(Step::refuse(
                RefusalCause::OtherScheme,
                format!("the server does not ask for Basic, but for {}", challenges(answer)),
            )),
            Event::Answered(answer) => Ok(accepted_unless_401(answer)),
            _ => match user_and_password(record) {
                Ok((username, password)) => {
                    let value = header(username, password)?;
                    Ok(Step::Send(Additions::header("Authorization", value)))
                }
                Err(step) => Ok(step),
            },
        }
    }
}

/// Returns the value of the header. RFC 7617 leaves the character set to the server; this sends
/// UTF-8.
///
/// # Errors
/// [`Invalid`](keyward_plugin::ErrorKind::Invalid) if the username contains a colon, which would make
/// another user and another password of it.
pub(crate) fn header(username: &Secret, password: &Secret) -> Result<Secret> {
    if username.expose().contains(&b':') {
        return Err(Error::invalid("authenticate", "Basic cannot send a username with a colon"));
    }
    let mut plain = SecretWriter::new();
    for part in [username.expose(), b":", password.expose()] {
        plain.write_all(part).expect("memory can be written");
    }
    let plain = plain.finish();
    let scheme = b"Basic ";
    let length = base64::encoded_len(plain.len(), true);
    let length =
        length.ok_or_else(|| Error::invalid("authenticate", "the password is too long"))?;
    let mut value = vec![0; scheme.len() + length];
    value[..scheme.len()].copy_from_slice(scheme);
    let encoded = BASE64_STANDARD.encode_slice(plain.expose(), &mut value[scheme.len()..]);
    encoded.expect("the length was calculated");
    Ok(Secret::new(value))
}

/// Accepts an answer unless it says that the credential is wrong. 403 is about what the user may do.
pub(crate) fn accepted_unless_401(answer: &keyward_plugin::ResponseHead) -> Step {
    match answer.status {
        401 => {
            Step::refuse(RefusalCause::WrongCredential, "the server does not accept the credential")
        }
        _ => Step::Accept,
    }
}
