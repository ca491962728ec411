//! Accepts connections, and gives each to its service.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::Result;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::config::address::Address;
use crate::listen::{Connection, Inherited, Listener, Service, Stop};
use crate::server::Server;
use crate::{forward, mail, rpc, status};

/// Serves a connection until it ends.
async fn serve(service: Service, server: &Arc<Server>, connection: Connection, stop: Stop) {
    match service {
        Service::Forward => forward::serve(server, connection, stop).await,
        Service::Login => forward::login::serve(server, connection, stop).await,
        Service::Status => status::serve(server, connection, stop).await,
        Service::Dovecot => mail::dovecot::serve_client(server, connection, stop).await,
        Service::DovecotMaster => mail::dovecot::serve_master(server, connection, stop).await,
        Service::Saslauthd => mail::saslauthd::serve(server, connection, stop).await,
        Service::AuthHttp => mail::auth_http::serve(server, connection, stop).await,
        Service::Rpc => rpc::serve(server, connection, stop).await,
    }
}

/// The open listeners.
#[derive(Debug)]
pub(crate) struct Listeners {
    inherited: Inherited,
    accepting: Vec<Accepting>,
}

impl Listeners {
    /// Opens the listeners of the configuration.
    pub(crate) async fn open(server: &Arc<Server>, inherited: Inherited) -> Result<Self> {
        let mut listeners = Self { inherited, accepting: Vec::new() };
        let wanted = server.state().config.listeners();
        let new = listeners.open_new(&wanted).await?;
        listeners.replace(server, &wanted, new).await;
        Ok(listeners)
    }

    /// Takes over another configuration. If it is wrong, nothing changes.
    pub(crate) async fn reload(&mut self, server: &Arc<Server>, config: Config) -> Result<()> {
        let state = server.prepare(config).await?;
        let wanted = state.config.listeners();
        let new = self.open_new(&wanted).await?;
        server.replace_state(state);
        self.replace(server, &wanted, new).await;
        Ok(())
    }

    /// Closes the listeners. Open connections finish what they have begun.
    pub(crate) async fn stop(&mut self) {
        for listener in self.accepting.drain(..) {
            listener.stop().await;
        }
    }

    /// Opens the listeners that are not open yet.
    async fn open_new(&self, wanted: &[(Service, Address)]) -> Result<Vec<(Service, Listener)>> {
        let mut new = Vec::new();
        for (service, address) in wanted {
            if !self.accepting.iter().any(|it| it.is_for(*service, address)) {
                new.push((*service, Listener::open(address, &self.inherited).await?));
            }
        }
        Ok(new)
    }

    async fn replace(
        &mut self,
        server: &Arc<Server>,
        wanted: &[(Service, Address)],
        new: Vec<(Service, Listener)>,
    ) {
        let is_wanted =
            |it: &Accepting| wanted.iter().any(|(service, address)| it.is_for(*service, address));
        let (kept, old): (Vec<_>, Vec<_>) = self.accepting.drain(..).partition(is_wanted);
        self.accepting = kept;
        for (service, listener) in new {
            let (name, place) = (service.name(), listener.address.to_string());
            let port = listener.port().map_or_else(String::new, |port| port.to_string());
            let fields: [(_, &dyn std::fmt::Display); 3] =
                [("service", &name), ("address", &place), ("port", &port)];
            server.log.info("listening", &fields);
            self.accepting.push(Accepting::start(server, service, listener));
        }
        for listener in old {
            listener.stop().await;
        }
    }
}

/// A listener that accepts connections.
#[derive(Debug)]
struct Accepting {
    service: Service,
    address: Address,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Accepting {
    fn is_for(&self, service: Service, address: &Address) -> bool {
        self.service == service && self.address == *address
    }

    fn start(server: &Arc<Server>, service: Service, listener: Listener) -> Self {
        let (stop, stopped) = Stop::new();
        let address = listener.address.clone();
        let task = tokio::spawn(accept(Arc::clone(server), service, listener, stopped));
        Self { service, address, stop, task }
    }

    /// Accepts no more connections, and lets open ones finish. A new listener can take the place.
    async fn stop(self) {
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
                    serve(service, &server, connection, stop).await;
                });
            }
        }
    }
}
