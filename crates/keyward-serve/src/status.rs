//! The state of the server, for supervisors, on a listener of its own. No request here says anything
//! about a client, and no answer here lets one in.

use std::sync::Arc;

use hyper::{Method, StatusCode};

use crate::listen::{Connection, Stop};
use crate::server::Server;
use crate::web::{self, Request, Response};

pub(crate) async fn serve(server: &Arc<Server>, connection: Connection, stop: Stop) {
    web::serve(server, connection, stop, |request, _| async move { answer(&request) }).await;
}

fn answer(request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return web::text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
    }
    match request.uri().path() {
        "/health" => web::text(StatusCode::OK, "ok\n"),
        _ => web::text(StatusCode::NOT_FOUND, "Not Found\n"),
    }
}
