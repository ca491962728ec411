//! Forward-auth: a web server asks, for each request that it gets, whether the client may come in.
//!
//! The web server sends what the client sent in headers. Each web server has a [`Dialect`]: which
//! headers these are, and which answers it understands.

mod answer;
mod client;
pub(crate) mod config;
mod cookie;
mod decide;
mod dialect;
mod host;
pub(crate) mod login;
mod original;
mod path;
mod proxies;
mod rule;

use std::sync::Arc;

use crate::listen::{Connection, Stop};
use crate::server::Server;
use crate::web;

pub use config::ForwardConfig;
pub use dialect::Dialect;
pub use rule::{Rule, Scheme};

#[cfg(test)]
mod tests;

pub(crate) async fn serve(server: &Arc<Server>, connection: Connection, stop: Stop) {
    web::serve(server, connection, stop, |request, from| {
        let server = Arc::clone(server);
        async move { decide::answer(&server, &request, from).await }
    })
    .await;
}
