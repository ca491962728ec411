//! What the calls do.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward_bouncer::{Answer, Refused, RequesterId, Response, Selection, Why};
use keyward_core::{Attempt, Error, PresentedKind, Result, Secret};
use keyward_portal::SessionId;
use serde_json::{Value, json};

use super::read::{Authenticate, Begin, Check, Confirm, KeepAlive, Remove, Respond, Which, parse};
use crate::audit::Decision;
use crate::bouncer::Bouncer;
use crate::listen::Service;
use crate::server::{Server, State};

/// A call with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Authenticate,
    Begin,
    Respond,
    Check,
    KeepAlive,
    Remove,
    Confirm,
    List,
    Revoke,
    Enable,
    Disable,
}

impl Call {
    pub(super) const ALL: [Self; 11] = [
        Self::Authenticate,
        Self::Begin,
        Self::Respond,
        Self::Check,
        Self::KeepAlive,
        Self::Remove,
        Self::Confirm,
        Self::List,
        Self::Revoke,
        Self::Enable,
        Self::Disable,
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|call| call.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Begin => "begin",
            Self::Respond => "respond",
            Self::Check => "check",
            Self::KeepAlive => "keep-alive",
            Self::Remove => "remove",
            Self::Confirm => "confirm",
            Self::List => "list",
            Self::Revoke => "revoke",
            Self::Enable => "enable",
            Self::Disable => "disable",
        }
    }

    pub(super) fn is_for_administrators(self) -> bool {
        matches!(self, Self::List | Self::Revoke | Self::Enable | Self::Disable)
    }
}

/// Lists the bouncers.
pub(super) fn bouncers(state: &State) -> Result<Value> {
    let bouncers = state.bouncers.values().map(describe_bouncer);
    Ok(json!({"bouncers": bouncers.collect::<Result<Vec<_>>>()?}))
}

/// Describes one bouncer.
pub(super) fn describe(state: &State, name: &str) -> Result<Value> {
    describe_bouncer(state.bouncer(name)?)
}

fn describe_bouncer(bouncer: &Bouncer) -> Result<Value> {
    let kinds = bouncer.keycards.kinds();
    let kinds: Vec<_> = kinds.iter().map(PresentedKind::name).collect();
    let enabled = bouncer.keycards.is_enabled()?;
    Ok(json!({"name": bouncer.name(), "enabled": enabled, "kinds": kinds}))
}

/// Lists the keycards of a requester that have ended.
pub(super) fn ended(state: &State, name: &str, requester: &RequesterId) -> Result<Value> {
    Ok(json!({"ended": state.bouncer(name)?.keycards.ended(requester)?}))
}

/// Does a call.
pub(super) fn call(
    server: &Server,
    state: &State,
    name: &str,
    call: Call,
    requester: &RequesterId,
    body: &Secret,
) -> Result<Value> {
    let keycards = &state.bouncer(name)?.keycards;
    let nothing = || Ok(json!({}));
    match call {
        Call::Authenticate => {
            let Authenticate { presented, request } = parse(body)?;
            let request = request.into();
            let presented = presented.presented().ok_or_else(no_kind)?;
            let answer = keycards.authenticate(&presented, &request, requester);
            answered(server, state, name, answer, &request.attempt)
        }
        Call::Begin => {
            let Begin { kind, request } = parse(body)?;
            let request = request.into();
            let kind = PresentedKind::from_name(&kind).ok_or_else(no_kind)?;
            let answer = keycards.begin(&kind, &request, requester);
            answered(server, state, name, answer, &request.attempt)
        }
        Call::Respond => {
            let Respond { session, answer, presented, attempt } = parse(body)?;
            let session = SessionId::from_client(session.0.expose_str().unwrap_or_default());
            let attempt = attempt.into();
            let respond = |response| keycards.respond(&session, response, &attempt, requester);
            let answer = match (answer, presented) {
                (Some(answer), None) => respond(Response::Answer(&answer.0)),
                (None, Some(presented)) => {
                    let presented = presented.presented().ok_or_else(no_kind)?;
                    respond(Response::Factor(&presented))
                }
                _ => return Err(Error::invalid("rpc", "either `answer` or `presented` is needed")),
            };
            answered(server, state, name, answer, &attempt)
        }
        Call::Check => {
            let Check { id, attempt } = parse(body)?;
            Ok(match keycards.check(&id, requester, &attempt.into())? {
                Some(keycard) => json!({"state": "authenticated", "keycard": keycard}),
                None => json!({"state": "refused"}),
            })
        }
        Call::KeepAlive => {
            let KeepAlive { issuer, ttl } = parse(body)?;
            keycards.keep_alive(requester, &issuer, Duration::from_secs(ttl))?;
            nothing()
        }
        Call::Remove => {
            let Remove { id } = parse(body)?;
            Ok(json!({"removed": keycards.remove(&id, requester)?}))
        }
        Call::Confirm => {
            let Confirm { ids } = parse(body)?;
            keycards.confirm(requester, &ids)?;
            nothing()
        }
        Call::List => {
            let which: Which = parse(body)?;
            Ok(json!({"keycards": keycards.list(&which.into())?}))
        }
        Call::Revoke => {
            let which = Selection::from(parse::<Which>(body)?);
            let revoked = keycards.revoke(&which)?;
            let by = requester.to_string();
            server.log.info("keycards are revoked", &[("number", &revoked), ("by", &by)]);
            Ok(json!({"revoked": revoked}))
        }
        Call::Enable => {
            keycards.enable()?;
            server.log.info("a bouncer is enabled", &[("bouncer", &name), ("by", requester)]);
            nothing()
        }
        Call::Disable => {
            keycards.disable()?;
            server.log.warning("a bouncer is disabled", &[("bouncer", &name), ("by", requester)]);
            nothing()
        }
    }
}

fn no_kind() -> Error {
    Error::invalid("rpc", "there is no credential of this kind")
        .hint("The description of the bouncer lists its kinds")
}

/// Writes the decision down, and makes the answer of it. The answer does not say why a client is
/// refused: a requester may pass it on.
fn answered(
    server: &Server,
    state: &State,
    name: &str,
    answer: Result<Answer>,
    attempt: &Attempt,
) -> Result<Value> {
    let write = |decision: &Decision<'_>| {
        let service = Service::Rpc.name();
        server.metrics.count_decision(service, name, decision.word());
        state.audit.write(service, name, decision, attempt, &[])
    };
    match answer {
        Ok(Answer::Authenticated { keycard, last }) => {
            write(&Decision::WithKeycard(&keycard))?;
            let mut value = json!({"state": "authenticated", "keycard": keycard});
            if let Some(last) = last {
                value["last"] = encode(&last);
            }
            Ok(value)
        }
        Ok(Answer::Requesting { session, message, missing }) => Ok(json!({
            "state": "requesting",
            "session": session.expose(),
            "message": encode(&message),
            "missing": missing,
        })),
        Ok(Answer::Refused(Refused { why, retry_after, last, .. })) => {
            write(&Decision::NoKeycard(&why))?;
            let mut value = json!({"state": "refused"});
            if let Some(wait) = retry_after {
                value["retry_after"] = wait.as_secs().into();
            }
            if let Some(last) = last {
                value["last"] = encode(&last);
            }
            if why == Why::Kind {
                value["error"] = "the bouncer does not accept this kind of credential".into();
            }
            Ok(value)
        }
        Ok(_) => Err(Error::invalid("rpc", "the answer is not known")),
        Err(error) => {
            write(&Decision::Failed(&error))?;
            Err(error)
        }
    }
}

fn encode(message: &Secret) -> Value {
    json!({"base64": STANDARD.encode(message.expose())})
}
