//! The server of Keyward: it answers the questions of web and mail servers about their clients.
//!
//! A [`Server`](server::Server) has a configuration, bouncers, and listeners, each with one
//! [`Service`](listen::Service). A service reads what its peer asks, and asks a bouncer on the
//! [`Pool`](pool::Pool), because checkers block.

mod accept;
mod arguments;
pub mod audit;
pub mod bouncer;
pub mod config;
pub mod forward;
mod harden;
pub mod listen;
pub mod log;
pub mod mail;
pub mod metrics;
mod notify;
pub mod pool;
pub mod rpc;
mod run;
pub mod server;
pub mod status;
mod sweep;
#[cfg(test)]
mod testing;
pub mod web;

pub use run::main;
