//! The HTTP client of Keyward: small, synchronous, and strict about where a request may go.
//!
//! [`Client`] sends requests; code that needs one asks for [`Http`], so that an application can
//! bring its own client, and a test a scripted one. Requests and responses have the types of the
//! `http` crate. Their bodies are [`Secret`](keyward_core::Secret)s: they may contain tokens.

mod client;
mod destination;
mod roots;

pub use client::{Body, Client, ClientCertificate, Http, Limits};
pub use destination::destination;

#[cfg(test)]
mod tests;
