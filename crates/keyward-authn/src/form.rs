use std::sync::Arc;

use keyward_origin::Target;
use keyward_plugin::{
    Authenticator, Backend, Error, Event, Header, Host, Info, Record, RefusalCause, RequestHead,
    ResponseHead, Result, Secret, State, Step, SubResponse, options, printable,
};

use crate::credential::needed;
use crate::pages::{Pages, login_page};
use crate::session::{self, Session, Stage, location, refused_login};
use fields::{Body, Field, hidden};

mod fields;

#[cfg(test)]
mod tests;

options! {
    /// The login of [`HtmlForm`].
    pub struct HtmlFormOptions {
        /// The URL to which the form is sent; without it, that of the request.
        pub url: Option<String>,
        /// The fields of the form, as name=value; {password} is a field of the credential.
        pub fields: Vec<String>,
        /// The page with the form, if it has hidden fields; without it, `url`.
        pub page: Option<String>,
        /// The names of hidden fields whose values are taken from the page.
        pub hidden: Vec<String>,
        /// Regular expressions that the answer to a good login matches, all of them.
        pub success: Vec<String>,
        /// Regular expressions of which the answer to a bad login, or the login page itself, matches one.
        pub failure: Vec<String>,
    }
}

/// A form that is filled in once; its server answers with the cookies of a session.
#[derive(Clone, Debug)]
pub struct HtmlForm {
    host: Arc<dyn Host>,
    url: Option<Target>,
    page: Option<Target>,
    fields: Vec<Field>,
    hidden: Vec<String>,
    pages: Pages,
}

impl Backend for HtmlForm {
    const INFO: Info = Info::new("html-form", "A login form that gives cookies");
    type Options = HtmlFormOptions;

    fn open(options: HtmlFormOptions, host: &Arc<dyn Host>) -> Result<Self> {
        let target = |url: Option<String>| url.map(|url| Target::parse(&url)).transpose();
        let fields = options.fields.iter().map(|text| Field::parse(text));
        let fields = fields.collect::<Result<Vec<_>>>()?;
        if fields.is_empty() {
            return Err(Error::invalid("options", "`fields` is empty")
                .hint("As in fields = [\"user={username}\", \"pass={password}\"]"));
        }
        let mut names: Vec<_> = fields.iter().map(Field::name).collect();
        names.extend(options.hidden.iter().map(String::as_str));
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let why = format!("the form has the field `{}` twice", printable(twice[0]));
            return Err(Error::invalid("options", why));
        }
        Ok(Self {
            host: Arc::clone(host),
            url: target(options.url)?,
            page: target(options.page)?,
            hidden: options.hidden,
            pages: Pages::new(&options.success, &options.failure)?,
            fields,
        })
    }
}

impl Authenticator for HtmlForm {
    fn step(
        &self,
        request: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        state: &mut State,
    ) -> Result<Step> {
        let Some(record) = record else { return Ok(needed()) };
        let mut session = Session::new(&self.host, request, state)?;
        match event {
            Event::Sub(sub) if session.stage() == Some(Stage::Page) => {
                session.keep(&sub.head)?;
                self.fill_in(session, record, Some(&sub.body))
            }
            Event::Sub(sub) => self.logged_in(session, sub),
            Event::Answered(answer) if self.is_login_page(&session.target, answer) => {
                match session.has_ended() {
                    true => self.log_in(session, record),
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
}

impl HtmlForm {
    fn log_in(&self, mut session: Session<'_>, record: &Record) -> Result<Step> {
        if self.hidden.is_empty() {
            return self.fill_in(session, record, None);
        }
        let page = self.page.as_ref().or(self.url.as_ref()).unwrap_or(&session.target).clone();
        Ok(session.ask(Stage::Page, &page, session::request("GET", &page)))
    }

    /// Sends the form, with the hidden fields of its page.
    fn fill_in(
        &self,
        mut session: Session<'_>,
        record: &Record,
        page: Option<&Secret>,
    ) -> Result<Step> {
        let mut body = Body::new();
        for field in &self.fields {
            if let Some(lacking) = field.write(record, &mut body) {
                let why = format!("the credential has no field `{}`", printable(lacking));
                return Ok(Step::refuse(RefusalCause::WrongCredential, why));
            }
        }
        for name in &self.hidden {
            let Some(value) = page.and_then(|page| hidden(page, name)) else {
                let why = format!("the login page has no field `{}`", printable(name));
                return Ok(Step::refuse(RefusalCause::OtherScheme, why));
            };
            body.name(name);
            body.value(value.expose());
        }
        let url = self.url.as_ref().unwrap_or(&session.target).clone();
        let mut sub = session::request("POST", &url);
        sub.head.headers.push(Header::new("Content-Type", "application/x-www-form-urlencoded"));
        if page.is_some() {
            // Some servers want to see that the form comes from their own page.
            let page = self.page.as_ref().unwrap_or(&url).to_string();
            sub.head.headers.push(Header::new("Referer", page));
        }
        sub.body = body.finish();
        sub.carries_credential = true;
        Ok(session.ask(Stage::Login, &url, sub))
    }

    /// Says what the answer to the login means.
    fn logged_in(&self, mut session: Session<'_>, sub: &SubResponse) -> Result<Step> {
        let at = session.keep(&sub.head)?;
        let has_failed = self.pages.shows_failure(&sub.body);
        if !has_failed && let Some(refusal) = refused_login(&sub.head, &at)? {
            return Ok(refusal);
        }
        // The page to which a login leads is the one that says how it went.
        if let Some(next) = location(&sub.head, &at)
            && !has_failed
            && self.pages.has_success()
        {
            return Ok(session.ask(Stage::Login, &next, session::request("GET", &next)));
        }
        if has_failed || !self.pages.shows_success(&sub.body) {
            let why = format!("the login at {} has failed", at.origin());
            return Ok(Step::refuse(RefusalCause::WrongCredential, why));
        }
        Ok(session.send())
    }

    /// Whether an answer asks for a login.
    fn is_login_page(&self, target: &Target, answer: &ResponseHead) -> bool {
        let login = self.page.as_ref().or(self.url.as_ref());
        let leads_to_login = || {
            let next = location(answer, target);
            next.zip(login).is_some_and(|(next, login)| {
                next.origin() == login.origin() && next.path() == login.path()
            })
        };
        answer.status == 401 || leads_to_login() || self.pages.shows_failure(&answer.body_start)
    }
}
