//! The state of the server, for supervisors, on another listener than those of the services. No request here says anything
//! about a client, and no answer here lets one in.

use std::sync::Arc;

use hyper::{Method, StatusCode};

use crate::listen::{Connection, Stop};
use crate::server::Server;
use crate::web::{self, Request, Response};

pub(crate) async fn serve(server: &Arc<Server>, connection: Connection, stop: Stop) {
    web::serve(server, connection, stop, |request, _| {
        let server = Arc::clone(server);
        async move { answer(&server, &request) }
    })
    .await;
}

fn answer(server: &Server, request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return web::text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
    }
    match request.uri().path() {
        "/metrics" => web::text(StatusCode::OK, server.metrics.render(server.open_connections())),
        "/health" => web::text(StatusCode::OK, "ok\n"),
        _ => web::text(StatusCode::NOT_FOUND, "Not Found\n"),
    }
}
