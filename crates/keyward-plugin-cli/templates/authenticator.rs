//! Authenticator `sample`: a token from a login, for an API key.
//!
//! The key is sent once to the URL `login`, whose answer is a token. The token is sent in a header, until
//! the server refuses it. Change the requests and the headers into those of your service.

use std::sync::Arc;

use keyward_plugin::{
    Additions, Authenticator, Backend, Error, Event, Header, Host, Info, Record, RefusalCause,
    RequestHead, Result, Secret, State, Step, SubRequest, options,
};

keyward_plugin::register!(authenticator: SampleAuthenticator);

/// The names of what is remembered: the token, and that it has not been sent yet.
const TOKEN: &str = "token";
const NEW: &str = "new";

/// The longest token, in bytes.
const LONGEST: usize = 4 << 10;

options! {
    /// Where the tokens are.
    pub struct Options {
        /// The URL that gives a token for a key.
        pub login: String,
    }
}

/// The authenticator `sample`.
#[derive(Debug)]
pub struct SampleAuthenticator {
    login: String,
}

impl Backend for SampleAuthenticator {
    const INFO: Info = Info::new("sample", "A token from a login, for an API key");
    type Options = Options;

    fn open(options: Options, _: &Arc<dyn Host>) -> Result<Self> {
        if !options.login.starts_with("https://") && !options.login.starts_with("http://127.0.0.1")
        {
            return Err(Error::invalid("options", "`login` must be an https URL"));
        }
        Ok(Self { login: options.login })
    }
}

impl Authenticator for SampleAuthenticator {
    fn step(
        &self,
        _: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        state: &mut State,
    ) -> Result<Step> {
        let is_new = state.remove(NEW).is_some();
        match event {
            Event::Start | Event::Challenged(_) => match state.get(TOKEN) {
                // The state may be one that another version has left.
                Some(token) if is_token(token) => Ok(send(token)),
                _ => self.log_in(record),
            },
            Event::Sub(answer) if answer.head.status == 200 && is_token(&answer.body) => {
                state.set(TOKEN, answer.body.clone());
                state.set(NEW, "yes");
                Ok(send(&answer.body))
            }
            Event::Answered(answer) if answer.status != 401 => Ok(Step::Accept),
            Event::Answered(_) if !is_new => {
                state.remove(TOKEN);
                self.log_in(record)
            }
            _ => Ok(Step::refuse(RefusalCause::WrongCredential, "the server refuses the key")),
        }
    }
}

impl SampleAuthenticator {
    /// Asks for a token. The caller decides whether this URL may get the key.
    fn log_in(&self, record: Option<&Record>) -> Result<Step> {
        let Some(record) = record else {
            return Ok(Step::refuse(RefusalCause::NeedsCredential, "the server wants a key"));
        };
        let Some(key) = record.field("key") else {
            return Ok(Step::refuse(RefusalCause::WrongCredential, "the credential has no key"));
        };
        if !key.value.expose().iter().all(u8::is_ascii_graphic) {
            return Err(Error::invalid("authenticate", "a header cannot contain this key"));
        }
        let head = RequestHead {
            method: "POST".into(),
            url: self.login.clone(),
            headers: vec![Header::new("X-Key", key.value.clone())],
        };
        Ok(Step::Ask(Box::new(SubRequest {
            head,
            body: Secret::default(),
            carries_credential: true,
        })))
    }
}

fn send(token: &Secret) -> Step {
    Step::Send(Additions::header("X-Token", token.clone()))
}

fn is_token(token: &Secret) -> bool {
    (1..=LONGEST).contains(&token.len()) && token.expose().iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use keyward_plugin::Field;

    use super::*;

    keyward_testkit::authenticator_suite!(
        SampleAuthenticator,
        |_| Values::new().with("login", Value::Text("https://data.example/login".into())),
        host =
            |_| {
                let record = Record::new("api-key").with("key", Field::secret("made-up-key"));
                TestHost::new().server(Server::new(record, "https://data.example/file", |sent| {
                    match (sent.url(), sent.header("x-key"), sent.header("x-token")) {
                        ("https://data.example/login", Some(b"made-up-key"), _) => {
                            Answer::new(200).body("made-up-token")
                        }
                        ("https://data.example/file", _, Some(b"made-up-token")) => {
                            Answer::new(200).body("data")
                        }
                        _ => Answer::new(401),
                    }
                }))
            },
    );
}
