//! Keycards for requesters: JSON over HTTP on a Unix socket. `docs/serve-rpc.md` specifies it.
//!
//! # Security
//! Who asks is known by the user of the process at the other end, as the operating system says. A
//! requester gets its own keycards only. It is trusted to say where its clients are.

mod answer;
pub(crate) mod config;
mod events;
mod read;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use hyper::{Method, StatusCode};
use keyward_bouncer::RequesterId;
use keyward_core::{Error, ErrorKind};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::listen::{Connection, Peer, Stop};
use crate::server::Server;
use crate::web::{self, Request, Response};
use answer::Call;

/// Serves a requester until its connection ends.
pub(crate) async fn serve(server: &Arc<Server>, connection: Connection, stop: Stop) {
    let stopped = stop.clone();
    web::serve(server, connection, stop, |request, from| {
        let (server, stop) = (Arc::clone(server), stopped.clone());
        async move {
            match from.peer {
                Peer::Local { uid } => answer(&server, request, uid, stop).await,
                // The configuration allows Unix sockets only.
                Peer::Network(_) => failed(StatusCode::FORBIDDEN, "use the Unix socket", None),
            }
        }
    })
    .await;
}

async fn answer(server: &Arc<Server>, request: Request, uid: u32, stop: Stop) -> Response {
    let state = server.state();
    let path = request.uri().path().to_owned();
    let Some(path) = path.strip_prefix("/v1/bouncers") else {
        return failed(StatusCode::NOT_FOUND, "there is nothing at this path", None);
    };
    let is_get = *request.method() == Method::GET;
    if !is_get && *request.method() != Method::POST {
        return failed(StatusCode::METHOD_NOT_ALLOWED, "use GET or POST", None);
    }
    let requester = RequesterId::new(format!("uid:{uid}"));
    let Some((name, verb)) =
        path.strip_prefix('/').map(|path| path.split_once('/').unwrap_or((path, "")))
    else {
        return work(server, move || answer::bouncers(&state)).await;
    };
    let name = percent_decode_str(name).decode_utf8().unwrap_or_default().into_owned();
    if state.bouncer(&name).is_err() {
        return failed(StatusCode::NOT_FOUND, "there is no bouncer of this name", None);
    }
    match (is_get, verb) {
        (true, "events") => return events::stream(server, name, requester, stop),
        (true, "") => return work(server, move || answer::describe(&state, &name)).await,
        (true, "ended") => {
            return work(server, move || answer::ended(&state, &name, &requester)).await;
        }
        _ => {}
    }
    let is_administrator = state.config.rpc.is_administrator(uid);
    let call = match Call::named(verb) {
        Some(call) if is_get => {
            let why = format!("use POST for {}", call.name());
            return failed(StatusCode::METHOD_NOT_ALLOWED, &why, None);
        }
        Some(call) if call.is_for_administrators() && !is_administrator => {
            let why = "only administrators can do this";
            let hint = "Add your user id to `administrators` in the section [rpc]";
            return failed(StatusCode::FORBIDDEN, why, Some(hint));
        }
        Some(call) => call,
        None => return failed(StatusCode::NOT_FOUND, "there is no call of this name", None),
    };
    let body = match read::body(request).await {
        Ok(body) => body,
        Err(status) => return failed(status, "the body is too large, or did not come", None),
    };
    let of_server = Arc::clone(server);
    work(server, move || answer::call(&of_server, &state, &name, call, &requester, &body)).await
}

/// Runs a call where it may block.
async fn work(
    server: &Arc<Server>,
    call: impl FnOnce() -> keyward_core::Result<Value> + Send + 'static,
) -> Response {
    match server.pool.run(call).await {
        Ok(value) => respond(StatusCode::OK, &value),
        Err(error) => {
            let status = match error.kind() {
                ErrorKind::Invalid | ErrorKind::Unsupported => StatusCode::BAD_REQUEST,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            if status == StatusCode::SERVICE_UNAVAILABLE {
                // It may name files that do not concern a requester.
                server.log.error("a call failed", &[("error", &error)]);
                return failed(status, "it cannot be decided now; the log says why", None);
            }
            failed(status, &describe(&error), error.advice())
        }
    }
}

fn describe(error: &Error) -> String {
    if error.message().is_empty() { error.to_string() } else { error.message().to_owned() }
}

fn failed(status: StatusCode, error: &str, hint: Option<&str>) -> Response {
    let mut value = json!({"error": error});
    if let Some(hint) = hint {
        value["hint"] = hint.into();
    }
    respond(status, &value)
}

fn respond(status: StatusCode, value: &Value) -> Response {
    let mut response = web::with_body(status, format!("{value}\n"));
    web::set(&mut response, hyper::header::CONTENT_TYPE, "application/json");
    response
}
