//! A stream of events (server-sent events, HTML standard section 9.2) for a requester: which of its
//! keycards have ended.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};
use keyward_bouncer::{Ended, KeycardId, RequesterId};
use tokio::sync::mpsc;

use crate::listen::Stop;
use crate::server::Server;
use crate::web::{self, Response};

/// How often the keycards are looked at. Another copy of the server may have ended them.
const PAUSE: Duration = Duration::from_millis(250);

/// After how long without an event a comment is sent, so that a connection that is gone is noticed.
const QUIET: u32 = 60;

/// Sends each keycard that has ended, once on each connection; again on the next one until it is
/// confirmed.
pub(super) fn stream(
    server: &Arc<Server>,
    bouncer: String,
    requester: RequesterId,
    stop: Stop,
) -> Response {
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(send(Arc::clone(server), bouncer, requester, stop, sender));
    let mut response = Response::new(BoxBody::new(Events(receiver)));
    web::set(&mut response, CONTENT_TYPE, "text/event-stream");
    web::set(&mut response, CACHE_CONTROL, "no-store");
    response
}

async fn send(
    server: Arc<Server>,
    bouncer: String,
    requester: RequesterId,
    mut stop: Stop,
    events: mpsc::Sender<Bytes>,
) {
    let (mut sent, mut quiet) = (BTreeSet::<KeycardId>::new(), 0);
    // The requester learns that the stream has begun.
    if events.send(Bytes::from_static(b": keyward\n\n")).await.is_err() {
        return;
    }
    loop {
        let mut messages = Vec::new();
        // What cannot be read now is told later.
        if let Some(ended) = ended(&server, &bouncer, &requester).await {
            for event in ended.iter().filter(|ended| !sent.contains(&ended.id)) {
                let data = serde_json::json!(event);
                messages.push(Bytes::from(format!("event: ended\ndata: {data}\n\n")));
            }
            // What is confirmed does not come again.
            sent = ended.into_iter().map(|ended| ended.id).collect();
        }
        quiet = if messages.is_empty() { quiet + 1 } else { 0 };
        if quiet == QUIET {
            quiet = 0;
            messages.push(Bytes::from_static(b":\n\n"));
        }
        for message in messages {
            if events.send(message).await.is_err() {
                return;
            }
        }
        tokio::select! {
            () = stop.wait() => return,
            () = events.closed() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn ended(server: &Server, bouncer: &str, requester: &RequesterId) -> Option<Vec<Ended>> {
    let (state, name, requester) = (server.state(), bouncer.to_owned(), requester.clone());
    let work = server.pool.run(move || state.bouncer(&name)?.keycards.ended(&requester)).await;
    work.inspect_err(|error| server.log.warning("a requester cannot be told", &[("error", error)]))
        .ok()
}

/// The body: what comes from the channel.
struct Events(mpsc::Receiver<Bytes>);

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.get_mut().0.poll_recv(context);
        next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
