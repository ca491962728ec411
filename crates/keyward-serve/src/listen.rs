//! Listeners, and connections.

mod connection;
mod inherited;
mod open;

use tokio::sync::watch;

pub use connection::{Connection, Peer, Stream};
pub(crate) use inherited::{Inherited, first};
pub(crate) use open::Listener;

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Answers web servers.
    Forward,
    /// Shows browsers the page on which they log in.
    Login,
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
    /// Answers requesters of keycards, and administrators.
    Rpc,
}

impl Service {
    /// Its name, in the logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Login => "login",
            Self::Status => "status",
            Self::Dovecot => "dovecot",
            Self::DovecotMaster => "dovecot-master",
            Self::Saslauthd => "saslauthd",
            Self::AuthHttp => "auth-http",
            Self::Rpc => "rpc",
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
