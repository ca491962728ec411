//! Which credential a URL needs, and how a request gets it.
//!
//! A [`Provider`] is a rule: for these origins and paths, use these credentials in this way.
//! [`Providers`] finds the rule for a URL. [`converse`] sends a request as an authenticator says.
//!
//! # Security
//! A provider never decides that a server may get a credential: the record does, with the origins
//! to which it is bound. A provider only narrows that.

mod converse;
mod packaged;
mod pattern;
mod provider;
mod providers;
mod render;

pub use converse::{Caller, MAX_REDIRECTS, Outcome, converse};
pub use packaged::packaged;
pub use pattern::{OriginPattern, PathPattern};
pub use provider::{Auth, Provider, Use};
pub use providers::{Level, Providers};

#[cfg(test)]
mod tests;
