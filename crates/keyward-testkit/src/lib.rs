//! Conformance suites for backends: one macro line tests everything that a role promises.
//!
//! Each suite makes a module with one `#[test]` per case. What a backend says it can do, in its
//! `abilities`, decides which promises a case holds it to; what it says it cannot do must answer
//! `Unsupported`. The lists of cases ([`serializer::CASES`], [`encryption::CASES`],
//! [`key::CASES`], [`storage::CASES`]) are the contract of the roles.
//!
//! You want this crate, as a dev-dependency, if you write a backend.
//!
//! # Examples
//! ```ignore
//! #[cfg(test)]
//! keyward_testkit::storage_suite!(Sqlite, |scratch| Values::new()
//!     .with("path", Value::Text(scratch.path("db"))));
//! ```
//!
//! A backend that asks for secrets, variables or answers gets them from a [`TestHost`]:
//!
//! ```ignore
//! #[cfg(test)]
//! keyward_testkit::key_suite!(
//!     Env,
//!     |_| Values::new().with("name", Value::Text("TOKEN".into())),
//!     host = |_| TestHost::new().variable("TOKEN", "0123"),
//! );
//! ```
//!
//! A crate with two backends of one role puts each suite into a module of its own.
#![expect(clippy::unwrap_used, reason = "a case that fails panics, as every test does")]

#[macro_use]
mod cases;
mod check;
pub mod encryption;
mod host;
pub mod key;
mod scratch;
pub mod serializer;
pub mod storage;
mod subject;
pub mod vectors;

pub use host::TestHost;
pub use scratch::Scratch;
pub use subject::{Case, Subject};

/// What the closures of a suite may name without importing it.
pub mod prelude {
    pub use crate::{Scratch, TestHost};
    pub use keyward_core::{SecretRef, Value, Values};
}

#[doc(hidden)]
pub use keyward_core as core;
