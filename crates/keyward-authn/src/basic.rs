use std::sync::Arc;

use keyward_origin::Target;
use keyward_plugin::{
    Additions, Authenticator, Backend, Error, Event, Host, Info, Record, RefusalCause, RequestHead,
    Result, State, Step, options,
};

use crate::challenge::{challenges, wants};
use crate::credential::{basic, user_and_password};
use crate::login::Login;
use crate::pages::Pages;
use crate::session::Session;

options! {
    /// The login of [`Basic`].
    pub struct BasicOptions {
        /// The URL that gives a session: the password is sent only there, and its cookies to the others.
        pub login: Option<String>,
        /// Regular expressions that the answer to a good login matches, all of them.
        pub success: Vec<String>,
        /// Regular expressions of which a login page, or the answer to a bad login, matches one.
        pub failure: Vec<String>,
    }
}

/// A username and a password in each request (RFC 7617), or only in a login that gives cookies.
///
/// # Security
/// A reader of the request has the password: use it with TLS.
#[derive(Clone, Debug, Default)]
pub struct Basic {
    login: Option<(Target, Arc<dyn Host>)>,
    pages: Pages,
}

impl Backend for Basic {
    const INFO: Info = Info::new("basic", "A username and a password in each request (RFC 7617)");
    type Options = BasicOptions;

    fn open(options: BasicOptions, host: &Arc<dyn Host>) -> Result<Self> {
        let login = options.login.map(|url| Target::parse(&url)).transpose()?;
        if login.is_none() && !options.success.is_empty() {
            return Err(Error::invalid("options", "`success` needs a `login`"));
        }
        let pages = Pages::new(&options.success, &options.failure)?;
        Ok(Self { login: login.map(|target| (target, Arc::clone(host))), pages })
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
            let session = Session::new(host, request, state)?;
            return Login { at: login, pages: &self.pages, cookie: None }
                .step(session, record, event);
        }
        match event {
            Event::Challenged(answer) if !wants(answer, "basic") => Ok(Step::refuse(
                RefusalCause::OtherScheme,
                format!("the server does not ask for Basic, but for {}", challenges(answer)),
            )),
            Event::Answered(answer) => Ok(self.pages.judge(answer)),
            _ => match user_and_password(record) {
                Ok((username, password)) => {
                    let value = basic(username, password)?;
                    Ok(Step::Send(Additions::header("Authorization", value)))
                }
                Err(step) => Ok(step),
            },
        }
    }
}
