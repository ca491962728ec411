//! A login with a username and a password (Basic) that gives the cookies of a session.

use keyward_origin::Target;
use keyward_plugin::{
    Event, Header, Record, RefusalCause, ResponseHead, Result, Secret, Step, SubResponse,
};

use crate::credential::{basic, joined, user_and_password};
use crate::pages::{Pages, accepted_unless_401, login_page};
use crate::session::{self, Session, Stage, location, refused_login};

/// The longest value of a cookie in a body, in bytes.
const MAX_VALUE: usize = 512;

/// A URL to which the password is sent once, and again when the session has ended.
pub(crate) struct Login<'a> {
    pub(crate) at: &'a Target,
    pub(crate) pages: &'a Pages,
    /// The cookie whose value is the body of the answer, and the path of the login page to which the
    /// server sends those who have no session.
    pub(crate) cookie: Option<(&'a str, &'a str)>,
}

impl Login<'_> {
    pub(crate) fn step(
        &self,
        mut session: Session<'_>,
        record: Option<&Record>,
        event: &Event<'_>,
    ) -> Result<Step> {
        match event {
            Event::Sub(sub) => self.logged_in(session, sub),
            Event::Answered(answer) if self.wants_login(&session.target, answer) => {
                match session.has_ended() {
                    true => self.log_in(session, record),
                    false if answer.status == 401 => Ok(accepted_unless_401(answer)),
                    false => Ok(login_page("after a login")),
                }
            }
            Event::Answered(answer) => {
                session.keep_own(answer);
                Ok(Step::Accept)
            }
            _ => match session.go_on() {
                Some(step) => Ok(step),
                None => self.log_in(session, record),
            },
        }
    }

    fn log_in(&self, mut session: Session<'_>, record: Option<&Record>) -> Result<Step> {
        let (username, password) = match user_and_password(record) {
            Ok(found) => found,
            Err(step) => return Ok(step),
        };
        let mut sub = session::request("POST", self.at);
        sub.head.headers.push(Header::new("Authorization", basic(username, password)?));
        sub.carries_credential = true;
        Ok(session.ask(Stage::Login, self.at, sub))
    }

    /// Says what the answer to the login means.
    fn logged_in(&self, mut session: Session<'_>, sub: &SubResponse) -> Result<Step> {
        let at = session.keep(&sub.head)?;
        let has_failed = self.pages.shows_failure(&sub.body);
        if !has_failed && let Some(refusal) = refused_login(&sub.head, &at)? {
            return Ok(refusal);
        }
        if has_failed || !self.pages.shows_success(&sub.body) {
            let why = format!("the login at {} has failed", at.origin());
            return Ok(Step::refuse(RefusalCause::WrongCredential, why));
        }
        if let Some((name, _)) = self.cookie
            && let Some(value) = value(&sub.body)
            && !session.has_cookie(name)
        {
            let cookie = joined(&[name.as_bytes(), b"=", value, b"; Path=/"]);
            let headers = vec![Header::new("Set-Cookie", cookie)];
            session.keep(&ResponseHead { status: 200, headers, body_start: Secret::default() })?;
        }
        Ok(session.send())
    }

    /// Whether an answer asks for a login.
    fn wants_login(&self, target: &Target, answer: &ResponseHead) -> bool {
        let is_sent_to_login = || {
            let next = location(answer, target);
            let page = self.cookie.map(|(_, page)| page);
            next.zip(page).is_some_and(|(next, page)| next.path().ends_with(page))
        };
        answer.status == 401 || is_sent_to_login() || self.pages.shows_failure(&answer.body_start)
    }
}

/// Returns the body of an answer if it can be the value of a cookie.
fn value(body: &Secret) -> Option<&[u8]> {
    let value = body.expose().trim_ascii();
    let is_value = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let fits = !value.is_empty() && value.len() <= MAX_VALUE && value.iter().all(is_value);
    fits.then_some(value)
}
