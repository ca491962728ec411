//! HTTP/1.1 on a connection, with limits.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use http_body_util::combinators::BoxBody;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};

use crate::listen::{Connection, Peer, Stop};
use crate::server::Server;

/// A request.
pub type Request = hyper::Request<Incoming>;

/// The body of a response, which can be a stream.
pub type Body = BoxBody<Bytes, Infallible>;

/// A response.
pub type Response = hyper::Response<Body>;

/// The longest head of a request, in bytes.
const HEAD: usize = 64 << 10;

/// The most headers of a request.
const HEADERS: usize = 128;

/// Who sent a request.
#[derive(Clone, Copy, Debug)]
pub struct From {
    /// The other end of the connection.
    pub peer: Peer,
    /// Whether only the peer and this server can read the connection.
    pub private: bool,
}

/// Serves HTTP/1.1 until the connection ends, or until it is time to stop.
///
/// The answers of `answer` are sent as they are. It does not get requests whose length peers could
/// read differently.
pub async fn serve<F>(
    server: &Arc<Server>,
    connection: Connection,
    mut stop: Stop,
    answer: impl Fn(Request, From) -> F,
) where
    F: Future<Output = Response>,
{
    let from = From { peer: connection.peer, private: connection.private };
    let service = service_fn(|request: Request| {
        let answer = if has_one_length(&request) { Ok(answer(request, from)) } else { Err(()) };
        async move {
            Ok::<_, Infallible>(match answer {
                Ok(answer) => answer.await,
                Err(()) => closing(text(StatusCode::BAD_REQUEST, "Bad Request\n")),
            })
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(server.limits().idle)
        .max_buf_size(HEAD)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(connection.stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // Bad requests and broken connections concern the peer alone, which got an answer if it could.
        _ = connection.as_mut() => return,
        () = stop.wait() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Whether all peers agree where the request ends. Nothing here needs a body in chunks, and a proxy
/// may not know them.
fn has_one_length(request: &Request) -> bool {
    !request.headers().contains_key(TRANSFER_ENCODING)
}

/// Makes a response with a text.
pub fn text(status: StatusCode, text: impl Into<Bytes>) -> Response {
    let mut response = with_body(status, text);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Makes a response that is not to be kept by caches.
pub fn with_body(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::new(Full::new(body.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Sets a header.
pub fn set(response: &mut Response, name: header::HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// Makes the response the last one of its connection.
pub fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
