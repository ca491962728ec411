//! The page on which browsers log in.
//!
//! The web server passes requests for `/keyward/` to it. It has no scripts. It is safe against requests
//! that other sites cause: a form counts only if the browser says that this site sent it.

mod browser;
mod form;
mod page;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use hyper::header::{HeaderValue, LOCATION, SET_COOKIE};
use hyper::{Method, StatusCode};
use keyward_bouncer::{Answer, Refused, Request as Asked, Response as Next};
use keyward_core::{Error, ErrorKind, Presented, PresentedKind, Result, Secret, hex};
use keyward_portal::SessionId;

use super::{ForwardConfig, Scheme, cookie};
use crate::audit::Decision;
use crate::listen::{Connection, Service, Stop};
use crate::server::{Server, State};
use crate::web::{self, From, Request, Response};
use browser::Browser;
use form::Form;
use page::Page;

/// Where the page is. The web server passes on everything below it.
pub(super) const PLACE: &str = "/keyward/";

/// Serves a web server until its connection ends.
pub(crate) async fn serve(server: &Arc<Server>, connection: Connection, stop: Stop) {
    web::serve(server, connection, stop, |request, from| {
        let server = Arc::clone(server);
        async move { answer(&server, request, from).await }
    })
    .await;
}

async fn answer(server: &Arc<Server>, request: Request, from: From) -> Response {
    let state = server.state();
    let Some(forward) = state.config.forward.as_ref().filter(|it| it.is_proxy(from.peer)) else {
        server.metrics.count_refused_request("peer");
        return web::text(StatusCode::FORBIDDEN, "Forbidden\n");
    };
    let Ok(browser) = Browser::read(forward.dialect, &request, from) else {
        server.metrics.count_refused_request("unclear");
        return web::text(StatusCode::BAD_REQUEST, "Bad Request\n");
    };
    let (is_get, is_post) = (*request.method() == Method::GET, *request.method() == Method::POST);
    let path = request.uri().path().strip_prefix(PLACE).unwrap_or_default().to_owned();
    match path.as_str() {
        "style.css" if is_get => page::style(),
        "login" if is_get => {
            let wanted = form::target(request.uri().query().unwrap_or_default());
            page::show(StatusCode::OK, &Page::password(&wanted))
        }
        "logout" if is_get => page::show(StatusCode::OK, &Page::logout()),
        "login" | "logout" if is_post && !browser.sent_by_this_site(request.headers()) => {
            server.metrics.count_refused_request("other-site");
            page::show(StatusCode::FORBIDDEN, &Page::notice("Another site sent this form."))
        }
        "logout" if is_post => {
            let cookie = cookie::read(request.headers(), browser.secure);
            let end = server.pool.run(move || log_out(&state, &browser, cookie)).await;
            end.unwrap_or_else(|error| unavailable(server, &error))
        }
        "login" if is_post => match Form::read(request).await {
            Some(form) => {
                let of_server = Arc::clone(server);
                let decided = server.pool.run(move || log_in(&of_server, &state, &browser, form));
                decided.await.unwrap_or_else(|error| unavailable(server, &error))
            }
            None => page::show(StatusCode::BAD_REQUEST, &Page::notice("The form is too large.")),
        },
        _ => page::show(StatusCode::NOT_FOUND, &Page::notice("There is nothing here.")),
    }
}

fn unavailable(server: &Server, error: &Error) -> Response {
    server.log.error("a login failed", &[("error", error)]);
    let page = Page::notice("You cannot log in now. Try again later.");
    page::show(StatusCode::SERVICE_UNAVAILABLE, &page)
}

fn log_in(server: &Server, state: &State, browser: &Browser, form: Form) -> Result<Response> {
    let forward = state.config.forward.as_ref();
    let Some(name) = forward.and_then(|forward| bouncer_of(forward, browser, &form.to)) else {
        return Ok(page::show(StatusCode::NOT_FOUND, &Page::notice("There is nothing here.")));
    };
    if !browser.private {
        let page = Page::notice("Others can read this connection. Use https.");
        return Ok(page::show(StatusCode::FORBIDDEN, &page));
    }
    let bouncer = &state.bouncer(&name)?.keycards;
    let (attempt, requester) = (browser.attempt(&form.to), cookie::requester());
    let answer = match form.session {
        Some(session) => {
            let session = SessionId::from_client(&session);
            let code = Presented::new(PresentedKind::ONE_TIME_PASSWORD).with("code", form.code);
            bouncer.respond(&session, Next::Factor(&code), &attempt, &requester)?
        }
        None => {
            // Each browser is kept alive by its own requests.
            let browser = hex::encode(&keyward_fs::random::<16>()?);
            let request = Asked::new(attempt.clone()).issued_by(browser);
            let presented = Presented::password(form.user, form.password);
            bouncer.authenticate(&presented, &request, &requester)?
        }
    };
    let write = |decision: &Decision<'_>| {
        server.metrics.count_decision(Service::Login.name(), &name, decision.word());
        let more = [("host", browser.host.as_str())];
        state.audit.write(Service::Login.name(), &name, decision, &attempt, &more)
    };
    match answer {
        Answer::Authenticated { keycard, .. } => {
            write(&Decision::WithKeycard(&keycard))?;
            let address = cookie::bound_address(state, &attempt);
            let id = Some(&keycard.id);
            let cookie = cookie::set(state, &browser.host, browser.secure, id, address)?;
            Ok(redirect(&form.to, &cookie))
        }
        Answer::Requesting { session, message, .. } if message.is_empty() => {
            Ok(page::show(StatusCode::OK, &Page::code(&form.to, session.expose())))
        }
        Answer::Refused(Refused { why, retry_after, .. }) => {
            write(&Decision::NoKeycard(&why))?;
            let page = match retry_after {
                Some(wait) => Page::wait(&form.to, wait),
                None => Page::again(&form.to),
            };
            Ok(page::show(StatusCode::FORBIDDEN, &page))
        }
        _ => Err(Error::new(ErrorKind::Unsupported, "login")
            .because("the policy needs more than the page can ask for")),
    }
}

/// Returns the bouncer of the rule for where the browser wants to go.
fn bouncer_of(forward: &ForwardConfig, browser: &Browser, to: &str) -> Option<String> {
    let wanted = browser.original(to)?;
    let rule = forward.rules.iter().find(|rule| rule.matches(&wanted))?;
    rule.bouncer.clone().filter(|_| rule.schemes.contains(&Scheme::Cookie))
}

fn log_out(state: &State, browser: &Browser, cookie: Option<Secret>) -> Result<Response> {
    use keyward_bouncer::cookie::Signed;
    let attempt = browser.attempt("/");
    let address = cookie::bound_address(state, &attempt);
    if let Some(cookie) = cookie {
        let text = cookie.expose_str().unwrap_or_default();
        let now = keyward_config::now();
        if let Signed::Valid(id) | Signed::Renew(id) =
            state.cookies.check(text, &browser.host, address, now)?
        {
            for bouncer in state.bouncers.values() {
                bouncer.keycards.remove(&id, &cookie::requester())?;
            }
        }
    }
    let mut response = page::show(StatusCode::OK, &Page::notice("You are logged out."));
    let cookie = cookie::set(state, &browser.host, browser.secure, None, address)?;
    set_cookie(&mut response, &cookie);
    Ok(response)
}

fn redirect(to: &str, cookie: &str) -> Response {
    let mut response = web::with_body(StatusCode::SEE_OTHER, "");
    let to = HeaderValue::from_str(to).unwrap_or_else(|_| HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, to);
    set_cookie(&mut response, cookie);
    response
}

pub(super) fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
