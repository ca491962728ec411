//! A session: a login, and the cookies that it gives.

use std::sync::Arc;

use keyward_origin::Target;
use keyward_plugin::{
    Additions, Error, ErrorKind, Host, RefusalCause, RequestHead, ResponseHead, Result, Secret,
    State, Step, SubRequest,
};

use crate::cookies;

/// Where a login is.
const STAGE: &str = "session.stage";
/// The URL of the last request of a login.
const URL: &str = "session.url";

/// The stages of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It was sent with the cookies of an earlier login.
    Old,
    /// The page with the login was asked for.
    Page,
    /// The login was sent.
    Login,
    /// It was sent with the cookies of a new login.
    New,
}

/// The session of one request.
pub(crate) struct Session<'a> {
    pub(crate) host: &'a Arc<dyn Host>,
    pub(crate) target: Target,
    pub(crate) state: &'a mut State,
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        host: &'a Arc<dyn Host>,
        request: &RequestHead,
        state: &'a mut State,
    ) -> Result<Self> {
        Ok(Self { host, target: Target::parse(&request.url)?, state })
    }

    pub(crate) fn stage(&self) -> Option<Stage> {
        match self.state.get(STAGE)?.expose() {
            b"old" => Some(Stage::Old),
            b"page" => Some(Stage::Page),
            b"login" => Some(Stage::Login),
            _ => Some(Stage::New),
        }
    }

    fn enter(&mut self, stage: Stage) {
        let name = match stage {
            Stage::Old => "old",
            Stage::Page => "page",
            Stage::Login => "login",
            Stage::New => "new",
        };
        self.state.set(STAGE, name);
    }

    /// Sends the request with the cookies of an earlier login, if there are any.
    pub(crate) fn go_on(&mut self) -> Option<Step> {
        let step = self.with_cookies()?;
        self.enter(Stage::Old);
        Some(step)
    }

    /// Asks for something; `stage` is what the answer will be of. Cookies of another server than this
    /// one are not sent.
    pub(crate) fn ask(&mut self, stage: Stage, target: &Target, mut sub: SubRequest) -> Step {
        self.enter(stage);
        self.state.set(URL, target.to_string());
        if let Some(cookie) = cookies::header(target, self.host.now(), self.state)
            && target.origin() == self.target.origin()
        {
            sub.head.headers.push(cookie);
            sub.carries_credential = true;
        }
        Step::Ask(Box::new(sub))
    }

    /// Returns the URL that answered, and keeps the cookies of its answer.
    pub(crate) fn keep(&mut self, answer: &ResponseHead) -> Result<Target> {
        let url = self.state.get(URL).and_then(Secret::expose_str).unwrap_or_default();
        let from = Target::parse(url)?;
        cookies::keep(answer, &from, &self.target, self.host.now(), self.state);
        Ok(from)
    }

    /// Whether there is a cookie of this name for the server.
    pub(crate) fn has_cookie(&self, name: &str) -> bool {
        cookies::has(name, self.state)
    }

    /// Keeps new cookies of the server's answer to the request itself.
    pub(crate) fn keep_own(&mut self, answer: &ResponseHead) {
        cookies::keep(answer, &self.target, &self.target, self.host.now(), self.state);
    }

    /// Sends the request after a login.
    pub(crate) fn send(&mut self) -> Step {
        self.enter(Stage::New);
        let without =
            || Step::refuse(RefusalCause::OtherScheme, "the login gives no cookie for this server");
        self.with_cookies().unwrap_or_else(without)
    }

    fn with_cookies(&self) -> Option<Step> {
        let cookie = cookies::header(&self.target, self.host.now(), self.state)?;
        Some(Step::Send(Additions { headers: vec![cookie], ..Additions::default() }))
    }

    /// Whether a session has ended, so that there should be a new login.
    pub(crate) fn has_ended(&mut self) -> bool {
        let has_ended = self.stage() == Some(Stage::Old);
        if has_ended {
            cookies::forget(self.state);
        }
        has_ended
    }
}

/// Says what is wrong if a login was refused.
pub(crate) fn refused_login(answer: &ResponseHead, at: &Target) -> Result<Option<Step>> {
    match answer.status {
        200..400 => Ok(None),
        // Some servers answer 404 if the password is wrong.
        400..500 => Ok(Some(Step::refuse(
            RefusalCause::WrongCredential,
            format!("the login at {} is refused with status {}", at.origin(), answer.status),
        ))),
        status => Err(Error::new(ErrorKind::Unavailable, "log in")
            .because(format!("{} answers with status {status}", at.origin()))),
    }
}

/// Returns a request of a login, which carries nothing yet.
pub(crate) fn request(method: &str, target: &Target) -> SubRequest {
    let (method, url) = (method.to_owned(), target.to_string());
    SubRequest {
        head: RequestHead { method, url, headers: Vec::new() },
        body: Secret::default(),
        carries_credential: false,
    }
}

/// Returns the URL to which a response leads.
pub(crate) fn location(answer: &ResponseHead, from: &Target) -> Option<Target> {
    let is_redirect = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
    let location = answer.values("location").next().filter(|_| is_redirect)?;
    from.join(location).ok()
}
