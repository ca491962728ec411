use std::sync::Arc;

use keyward_kinds::{fields, names};
use keyward_origin::Target;
use keyward_plugin::{
    Authenticator, Backend, Error, Event, Field, Header, Host, Info, Record, RefusalCause,
    RequestHead, Result, Secret, SecretWriter, State, Step, SubRequest, SubResponse, options,
};
use serde::{Deserialize, Serialize};

use crate::bearer::Bearer;
use crate::credential::user_and_password;
use crate::pages::Pages;
use crate::service::{Exchanged, Service};
use crate::session::{self, refused_login};

/// The longest token, in bytes.
const MAX_TOKEN: usize = 64 << 10;

options! {
    /// The login of [`Loris`].
    pub struct LorisOptions {
        /// The URL that gives tokens, as https://loris.example.org/api/v0.0.3/login.
        pub login: Option<String>,
        /// Regular expressions of which an answer to a token that has ended matches one.
        pub failure: Vec<String>,
    }
}

/// A token of LORIS, a database of neuroimaging studies, for a username and a password.
#[derive(Clone, Debug)]
pub struct Loris {
    service: LorisTokens,
    pages: Pages,
    host: Arc<dyn Host>,
}

impl Backend for Loris {
    const INFO: Info = Info::new("loris", "A token of LORIS, for a username and a password");
    type Options = LorisOptions;

    fn open(options: LorisOptions, host: &Arc<dyn Host>) -> Result<Self> {
        let login = options.login.ok_or_else(|| {
            Error::invalid("options", "`login` is missing")
                .hint("As in login = \"https://loris.example.org/api/v0.0.3/login\"")
        })?;
        let service = LorisTokens { login: Target::parse(&login)? };
        let pages = Pages::new(&[], &options.failure)?;
        Ok(Self { service, pages, host: Arc::clone(host) })
    }
}

impl Authenticator for Loris {
    fn step(
        &self,
        request: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        state: &mut State,
    ) -> Result<Step> {
        let exchanged = Exchanged {
            service: &self.service,
            kind: names::TOKEN,
            then: &Bearer::default(),
            pages: &self.pages,
            host: &self.host,
        };
        exchanged.step(request, record, event, state)
    }
}

/// The URL of a LORIS that gives tokens (`POST /api/VERSION/login`).
#[derive(Clone, Debug)]
pub struct LorisTokens {
    /// The URL.
    pub login: Target,
}

#[derive(Serialize)]
struct Login<'a> {
    username: &'a str,
    password: &'a str,
}

#[derive(Deserialize)]
struct Issued<'a> {
    token: &'a str,
}

impl Service for LorisTokens {
    fn request(&self, user: Option<&Record>) -> Result<SubRequest, Step> {
        let (username, password) = user_and_password(user)?;
        let not_text = || {
            let why = "LORIS takes a username and a password that are text (UTF-8) only";
            Step::refuse(RefusalCause::WrongCredential, why)
        };
        let username = username.expose_str().ok_or_else(not_text)?;
        let password = password.expose_str().ok_or_else(not_text)?;
        let mut body = SecretWriter::new();
        serde_json::to_writer(&mut body, &Login { username, password })
            .expect("memory can be written");
        let mut sub = session::request("POST", &self.login);
        sub.head.headers.push(Header::new("Content-Type", "application/json"));
        sub.body = body.finish();
        sub.carries_credential = true;
        Ok(sub)
    }

    fn record(&self, answer: &SubResponse) -> Result<Result<Record, Step>> {
        if let Some(refusal) = refused_login(&answer.head, &self.login)? {
            return Ok(Err(refusal));
        }
        let issued = serde_json::from_slice::<Issued<'_>>(answer.body.expose()).ok();
        let is_token = |token: &&str| {
            !token.is_empty()
                && token.len() <= MAX_TOKEN
                && token.bytes().all(|it| it.is_ascii_graphic())
        };
        let Some(token) = issued.map(|issued| issued.token).filter(is_token) else {
            let why = format!("{} answers without a token", self.login.origin());
            return Ok(Err(Step::refuse(RefusalCause::OtherScheme, why)));
        };
        let token = Field::secret(Secret::from(token));
        Ok(Ok(Record::new(names::TOKEN).with(fields::TOKEN, token)))
    }
}
