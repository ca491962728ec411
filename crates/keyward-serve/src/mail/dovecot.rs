//! Dovecot's authentication protocol, version 1.2, as the server.
//!
//! The clients are Dovecot's login processes, Postfix, Exim and other mail servers. Masters are
//! Dovecot's mail processes, which ask who has logged in. The protocol is described in Dovecot's
//! documentation, "Dovecot Authentication Protocol".
//!
//! # Security
//! A client is trusted to say where a user is and whether the user's connection is private. So these
//! services listen on Unix sockets only.

mod accepted;
mod answer;
mod client;
mod command;
mod exchange;
mod line;
mod master;

pub use accepted::{Accepted, Cookie, Key};
pub use command::{Begin, Command, MasterCommand, Wrong};
pub use line::{MAX_LINE, escape, unescape};

pub(crate) use client::serve as serve_client;
pub(crate) use master::serve as serve_master;
