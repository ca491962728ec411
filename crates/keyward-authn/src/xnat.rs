use std::sync::Arc;

use keyward_origin::Target;
use keyward_plugin::{
    Authenticator, Backend, Event, Host, Info, Record, RequestHead, Result, State, Step, options,
};

use crate::login::Login;
use crate::pages::Pages;
use crate::session::Session;

/// The cookie of a session, and the page to which XNAT sends those who have none.
const COOKIE: (&str, &str) = ("JSESSIONID", "/app/template/Login.vm");

/// Where XNAT gives sessions.
const LOGIN: &str = "/data/JSESSION";

options! {
    /// The login of [`Xnat`].
    pub struct XnatOptions {
        /// The URL that gives a session; without it, /data/JSESSION on the server of the request.
        pub login: Option<String>,
    }
}

/// A session of XNAT, a server of medical images: the password is sent once to `/data/JSESSION`, and the
/// cookie `JSESSIONID` with every request.
#[derive(Clone, Debug)]
pub struct Xnat {
    host: Arc<dyn Host>,
    login: Option<Target>,
}

impl Backend for Xnat {
    const INFO: Info = Info::new("xnat", "A session of XNAT, a server of medical images");
    type Options = XnatOptions;

    fn open(options: XnatOptions, host: &Arc<dyn Host>) -> Result<Self> {
        let login = options.login.map(|url| Target::parse(&url)).transpose()?;
        Ok(Self { host: Arc::clone(host), login })
    }
}

impl Authenticator for Xnat {
    fn step(
        &self,
        request: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        state: &mut State,
    ) -> Result<Step> {
        let session = Session::new(&self.host, request, state)?;
        let login = match &self.login {
            Some(login) => login.clone(),
            None => session.target.join(LOGIN)?,
        };
        let login = Login { at: &login, pages: &Pages::default(), cookie: Some(COOKIE) };
        login.step(session, record, event)
    }
}
