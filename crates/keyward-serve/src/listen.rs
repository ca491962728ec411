//! Listeners, and the connections that they accept.

mod connection;
mod inherited;
mod open;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use connection::{Connection, Peer, Stream};
pub(crate) use inherited::{Inherited, first};
pub(crate) use open::Listener;

use crate::config::Address;
use crate::server::Server;
use crate::{forward, mail, status};

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Answers web servers.
    Forward,
    /// Shows the state of the server, and its metrics.
    Status,
    /// Answers mail servers in Dovecot's protocol.
    Dovecot,
    /// Tells Dovecot's mail processes who has logged in.
    DovecotMaster,
    /// Answers clients of `saslauthd`.
    Saslauthd,
    /// Answers nginx's mail proxy.
    AuthHttp,
}

impl Service {
    /// Its name, in the logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Status => "status",
            Self::Dovecot => "dovecot",
            Self::DovecotMaster => "dovecot-master",
            Self::Saslauthd => "saslauthd",
            Self::AuthHttp => "auth-http",
        }
    }

    /// Serves a connection until it ends.
    async fn serve(self, server: &Arc<Server>, connection: Connection, stop: Stop) {
        match self {
            Self::Forward => forward::serve(server, connection, stop).await,
            Self::Status => status::serve(server, connection, stop).await,
            Self::Dovecot => mail::dovecot::serve_client(server, connection, stop).await,
            Self::DovecotMaster => mail::dovecot::serve_master(server, connection, stop).await,
            Self::Saslauthd => mail::saslauthd::serve(server, connection, stop).await,
            Self::AuthHttp => mail::auth_http::serve(server, connection, stop).await,
        }
    }
}

/// Tells that the server stops, or that a listener is closed.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Makes a signal, and what gives it.
    pub(crate) fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Waits until it is time to stop: finish what is open, and begin nothing.
    pub async fn wait(&mut self) {
        // If the sender is gone, the server is gone.
        let _ = self.0.wait_for(|stops| *stops).await;
    }
}

/// A listener that accepts connections.
#[derive(Debug)]
pub(crate) struct Accepting {
    pub(crate) service: Service,
    pub(crate) address: Address,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Accepting {
    pub(crate) fn start(server: &Arc<Server>, service: Service, listener: Listener) -> Self {
        let (stop, stopped) = Stop::new();
        let address = listener.address.clone();
        let task = tokio::spawn(accept(Arc::clone(server), service, listener, stopped));
        Self { service, address, stop, task }
    }

    /// Accepts no more connections, and lets open ones finish. A new listener can take the place.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

/// How long to wait after an error, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

async fn accept(server: Arc<Server>, service: Service, listener: Listener, mut stop: Stop) {
    let mut waiting = stop.clone();
    loop {
        // With too many connections, further ones wait in the queue of the operating system.
        let place = tokio::select! {
            () = waiting.wait() => return,
            place = server.place_for_connection() => place,
        };
        let accepted = tokio::select! {
            () = stop.wait() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Err(error) => {
                server.log.warning("a connection could not be accepted", &[("error", &error)]);
                tokio::time::sleep(PAUSE).await;
            }
            Ok(connection) => {
                let (server, stop) = (Arc::clone(&server), stop.clone());
                tokio::spawn(async move {
                    let _place = place;
                    service.serve(&server, connection, stop).await;
                });
            }
        }
    }
}
