//! The decision about one request.

use std::sync::Arc;

use keyward_core::{Attempt, Result, Secret};
use keyward_portal::Visitor;
use keyward_portal::http::{Outcome, Request as GuardRequest};

use super::original::Original;
use super::{ForwardConfig, Rule, Scheme, answer, client, config, cookie, login};
use crate::audit::Decision;
use crate::listen::Service;
use crate::server::{Server, State};
use crate::web::{From, Request, Response};

/// Answers a web server.
pub(super) async fn answer(server: &Arc<Server>, request: &Request, from: From) -> Response {
    let state = server.state();
    let Some(forward) = &state.config.forward else {
        // The listener is about to close.
        return crate::web::text(hyper::StatusCode::SERVICE_UNAVAILABLE, "");
    };
    if !forward.is_proxy(from.peer) {
        let peer = format!("{:?}", from.peer);
        server.log.warning("a peer is not one of trusted_proxies", &[("peer", &peer)]);
        server.metrics.count_refused_request("peer");
        return answer::plain(forward.dialect, 403, "Forbidden\n");
    }
    let original = match Original::read(forward.dialect, request) {
        Ok(original) => original,
        Err(why) => {
            server.log.warning("a request is refused", &[("reason", &why)]);
            server.metrics.count_refused_request("unclear");
            return answer::plain(forward.dialect, 400, "Bad Request\n");
        }
    };
    let Some(rule) = forward.rules.iter().find(|rule| rule.matches(&original)) else {
        server.metrics.count_refused_request("no-rule");
        return answer::plain(forward.dialect, 403, "Forbidden\n");
    };
    let Some(bouncer) = &rule.bouncer else { return answer::allowed(None, &[]) };
    let asked = Asked {
        attempt: client::attempt(&original, from),
        authorization: client::authorization(request.headers()),
        cookie: cookie::read(request.headers(), original.secure),
        is_page: client::wants_page(request.headers(), &original.method),
        bouncer: bouncer.clone(),
        rule: rule.clone(),
        original,
    };
    asked.decide(server, &state, forward).await
}

/// A request about which a bouncer decides.
struct Asked {
    original: Original,
    rule: Rule,
    bouncer: String,
    attempt: Attempt,
    authorization: Vec<Secret>,
    cookie: Option<Secret>,
    /// Whether a person sees the answer, and can log in.
    is_page: bool,
}

impl Asked {
    async fn decide(
        self,
        server: &Arc<Server>,
        state: &Arc<State>,
        forward: &ForwardConfig,
    ) -> Response {
        let (dialect, of_server) = (forward.dialect, Arc::clone(server));
        let (state, allows_readers) = (Arc::clone(state), forward.allows_readers);
        let decided = server.pool.run(move || {
            if !state.bouncer(&self.bouncer)?.keycards.is_enabled()? {
                self.write(&Decision::Disabled, &of_server, &state)?;
                return Ok(answer::plain(dialect, 403, "Forbidden\n"));
            }
            if self.is_for_cookies()
                && let Some(response) = self.decide_by_cookie(&of_server, &state, dialect)?
            {
                return Ok(response);
            }
            let outcome = self.enter(&state, allows_readers)?;
            self.finish(outcome, &of_server, &state, dialect)
        });
        decided.await.unwrap_or_else(|error| {
            // This is never `allow_default`: a client could cause it with many requests.
            server.log.error("a decision failed", &[("error", &error)]);
            answer::plain(dialect, 503, "Service Unavailable\n")
        })
    }

    /// Whether the cookie decides. A client that sends `Authorization` is answered as HTTP says, if the
    /// rule has a scheme for it; otherwise that header is for the site behind.
    fn is_for_cookies(&self) -> bool {
        let is_for_http = self.rule.has_http_scheme() && !self.authorization.is_empty();
        self.rule.schemes.contains(&Scheme::Cookie) && !is_for_http
    }

    /// Lets a browser in that has logged in on the page, or leads it there. `None` if the client is no
    /// browser and the rule has another scheme.
    fn decide_by_cookie(
        &self,
        server: &Server,
        state: &State,
        dialect: &super::Dialect,
    ) -> Result<Option<Response>> {
        let entered = match &self.cookie {
            Some(cookie) => {
                let bouncer = state.bouncer(&self.bouncer)?;
                cookie::enter(cookie, state, bouncer, &self.original, &self.attempt)?
            }
            None => None,
        };
        let Some(cookie::Entered { keycard, renewed }) = entered else {
            if self.rule.has_http_scheme() && !self.is_page {
                return Ok(None);
            }
            self.write(&Decision::Refused(None), server, state)?;
            return Ok(Some(answer::to_login(dialect, &self.original.target, self.is_page)));
        };
        if !self.is_user(keycard.identity.as_deref()) {
            self.write(&Decision::NotOfRule, server, state)?;
            return Ok(Some(answer::plain(dialect, 403, "Forbidden\n")));
        }
        self.write(&Decision::WithKeycard(&keycard), server, state)?;
        let mut response = answer::known(keycard.identity.as_deref(), &keycard.factors);
        if let Some(cookie) = renewed {
            login::set_cookie(&mut response, &cookie);
        }
        Ok(Some(response))
    }

    fn enter(&self, state: &State, allows_readers: bool) -> Result<Outcome<Visitor>> {
        let bouncer = state.bouncer(&self.bouncer)?;
        let guard = config::guard(bouncer, &self.rule, allows_readers)?;
        let authorization = self.authorization.iter().cloned();
        let request =
            GuardRequest::new(&self.original.method, &self.original.target, authorization);
        Ok(guard.enter(&request, &self.attempt, ()))
    }

    /// Writes the decision down, and makes the answer of it.
    fn finish(
        &self,
        outcome: Outcome<Visitor>,
        server: &Server,
        state: &State,
        dialect: &super::Dialect,
    ) -> Result<Response> {
        let (decision, response) = match &outcome {
            Outcome::Entered { login, headers } if self.may_enter(login.visitor()) => {
                let visitor = login.visitor();
                (Decision::Accepted(visitor), answer::allowed(Some(visitor), headers))
            }
            Outcome::Entered { .. } => {
                (Decision::NotOfRule, answer::plain(dialect, 403, "Forbidden\n"))
            }
            Outcome::Refused { response, refusal } => {
                (Decision::Refused(refusal.as_ref()), answer::refused(dialect, response))
            }
            Outcome::Failed { error, .. } if self.rule.allow_default => {
                server
                    .log
                    .warning("a client comes in because of allow_default", &[("error", error)]);
                (Decision::AllowedInOutage(error), answer::allowed(None, &[]))
            }
            Outcome::Failed { response, error } => {
                server.log.error("a bouncer cannot decide", &[("error", error)]);
                (Decision::Failed(error), answer::refused(dialect, response))
            }
        };
        self.write(&decision, server, state)?;
        Ok(response)
    }

    fn may_enter(&self, visitor: &Visitor) -> bool {
        self.is_user(visitor.identity.as_ref().map(|identity| identity.as_str()))
    }

    fn is_user(&self, name: Option<&str>) -> bool {
        self.rule.users.is_empty() || self.rule.users.iter().any(|user| Some(user.as_str()) == name)
    }

    fn write(&self, decision: &Decision<'_>, server: &Server, state: &State) -> Result<()> {
        let service = Service::Forward.name();
        server.metrics.count_decision(service, &self.bouncer, decision.word());
        let Original { method, host, path, .. } = &self.original;
        let more = [("method", method.as_str()), ("host", host), ("path", path)];
        state.audit.write(service, &self.bouncer, decision, &self.attempt, &more)
    }
}
