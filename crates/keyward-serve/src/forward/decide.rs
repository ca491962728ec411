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
        cookie: rule
            .schemes
            .contains(&Scheme::Cookie)
            .then(|| cookie::read(request.headers(), original.secure)),
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
    /// The cookie, if the rule knows cookies and there is one.
    cookie: Option<Option<Secret>>,
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
            if let Some(response) = self.try_cookie(&of_server, &state)? {
                return Ok(response);
            }
            if self.asks_for_cookie() {
                self.write(&Decision::Refused(None), &of_server, &state)?;
                return Ok(answer::to_login(dialect, &self.original.target, self.is_page));
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

    /// Lets a browser in that has logged in on the page.
    fn try_cookie(&self, server: &Server, state: &State) -> Result<Option<Response>> {
        let Some(Some(cookie)) = self.cookie.as_ref().filter(|_| self.authorization.is_empty())
        else {
            return Ok(None);
        };
        let bouncer = state.bouncer(&self.bouncer)?;
        let entered = cookie::enter(cookie, state, bouncer, &self.original, &self.attempt)?;
        let Some(cookie::Entered { keycard, renewed }) = entered else { return Ok(None) };
        if !self.is_user(keycard.identity.as_deref()) {
            self.write(&Decision::NotOfRule, server, state)?;
            let dialect = state.config.forward.as_ref().map(|forward| forward.dialect);
            return Ok(dialect.map(|dialect| answer::plain(dialect, 403, "Forbidden\n")));
        }
        self.write(&Decision::Issued(&keycard), server, state)?;
        let mut response = answer::known(keycard.identity.as_deref(), &keycard.factors);
        if let Some(cookie) = renewed {
            login::set_cookie(&mut response, &cookie);
        }
        Ok(Some(response))
    }

    /// Whether the client is to log in on the page. A client that sends `Authorization`, or for whom
    /// the rule has another scheme and who is no person, is answered as HTTP says.
    fn asks_for_cookie(&self) -> bool {
        let has_other = self.rule.has_http_scheme();
        self.cookie.is_some() && self.authorization.is_empty() && (self.is_page || !has_other)
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
