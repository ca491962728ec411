use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use keyward_origin::Target;
use keyward_plugin::{
    Additions, Authenticator, Backend, Error, Event, Header, Host, Info, Record, RefusalCause,
    RequestHead, Result, Secret, State, Step, options,
};

use crate::challenge::{challenges, wants};
use crate::credential::{joined, user_and_password};
use crate::session::{self, Session, Stage, refused_login};

options! {
    /// The login of [`Basic`].
    pub struct BasicOptions {
        /// The URL that gives a session: the password is sent only there, and its cookies to the others.
        pub login: Option<String>,
    }
}

/// A username and a password in each request (RFC 7617), or only in a login that gives cookies.
///
/// # Security
/// A reader of the request has the password: use it with TLS.
#[derive(Clone, Debug, Default)]
pub struct Basic {
    login: Option<(Target, Arc<dyn Host>)>,
}

impl Backend for Basic {
    const INFO: Info = Info::new("basic", "A username and a password in each request (RFC 7617)");
    type Options = BasicOptions;

    fn open(options: BasicOptions, host: &Arc<dyn Host>) -> Result<Self> {
        let login = options.login.map(|url| Target::parse(&url)).transpose()?;
        Ok(Self { login: login.map(|target| (target, Arc::clone(host))) })
    }
}

impl Authenticator for Basic {
    fn step(
        &self,
        request: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        state: &mut State,
    ) -> Result<Step> {
        if let Some((login, host)) = &self.login {
            return step_of_session(login, Session::new(host, request, state)?, record, event);
        }
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

/// Logs in once, and again when the session has ended.
fn step_of_session(
    login: &Target,
    mut session: Session<'_>,
    record: Option<&Record>,
    event: &Event<'_>,
) -> Result<Step> {
    match event {
        Event::Sub(sub) => {
            let at = session.keep(&sub.head)?;
            Ok(refused_login(&sub.head, &at)?.unwrap_or_else(|| session.send()))
        }
        Event::Answered(answer) if answer.status == 401 => match session.has_ended() {
            true => log_in(login, session, record),
            false => Ok(accepted_unless_401(answer)),
        },
        Event::Answered(answer) => {
            session.keep_own(answer);
            Ok(Step::Accept)
        }
        _ => match session.go_on() {
            Some(step) => Ok(step),
            None => log_in(login, session, record),
        },
    }
}

fn log_in(login: &Target, mut session: Session<'_>, record: Option<&Record>) -> Result<Step> {
    let (username, password) = match user_and_password(record) {
        Ok(found) => found,
        Err(step) => return Ok(step),
    };
    let mut sub = session::request("POST", login);
    sub.head.headers.push(Header::new("Authorization", header(username, password)?));
    sub.carries_credential = true;
    Ok(session.ask(Stage::Login, login, sub))
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
    let plain = joined(&[username.expose(), b":", password.expose()]);
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
