//! Conformance suites for backends: one macro line tests the whole contract of a role.
//!
//! Each suite makes a module with one `#[test]` per case. A case that takes longer than 90 seconds
//! fails, and a case removes what it put into a storage. The `abilities` of a backend decide what
//! a case requires of it. An operation that the abilities exclude must return `Unsupported`. The
//! lists of cases ([`serializer::CASES`], [`encryption::CASES`], [`key::CASES`],
//! [`storage::CASES`], [`authenticator::CASES`], [`checker::CASES`]) are the contract of the roles.
//!
//! Use this crate, as a dev-dependency, to write a backend.
//!
//! # Examples
//! ```text
//! #[cfg(test)]
//! keyward_testkit::storage_suite!(Sqlite, |scratch| {
//!     Values::new().with("path", Value::Text(scratch.path("db")))
//! });
//! ```
//!
//! A backend that needs secrets, variables or answers gets them from a [`TestHost`]:
//!
//! ```
//! # use std::sync::Arc;
//! # use keyward_core::{Backend, Created, Error, ErrorKind, Host, Info, Key, KeyId, Loaded, NoOptions, Result, Secret};
//! # #[derive(Debug)]
//! # struct Variable(Arc<dyn Host>);
//! # impl Backend for Variable {
//! #     const INFO: Info = Info::new("variable", "");
//! #     type Options = NoOptions;
//! #     fn open(_: NoOptions, host: &Arc<dyn Host>) -> Result<Self> { Ok(Self(host.clone())) }
//! # }
//! # impl Key for Variable {
//! #     fn create(&self, id: &KeyId) -> Result<Created> {
//! #         Ok(Created::supplied(self.load(id, &[])?.secret, vec![1]))
//! #     }
//! #     fn load(&self, _: &KeyId, parameters: &[u8]) -> Result<Loaded> {
//! #         self.0.variable("KEY").map(Loaded::from).ok_or_else(|| Error::new(ErrorKind::NoKey, "load"))
//! #     }
//! #     fn delete(&self, _: &KeyId, _: &[u8]) -> Result<()> { Ok(()) }
//! # }
//! keyward_testkit::key_suite!(
//!     Variable,
//!     |_| Values::new(),
//!     host = |_| TestHost::new().variable("KEY", &[7; 32][..]),
//! );
//! # fn main() {}
//! ```
//!
//! [`processes_suite!`] tests a storage that several processes use at once, some of which are killed.
//!
//! A crate with two backends of one role needs a separate module for each suite.
#![expect(clippy::unwrap_used, reason = "a case that fails panics, as every test does")]

#[macro_use]
mod cases;
pub mod authenticator;
mod check;
pub mod checker;
pub mod encryption;
mod host;
pub mod key;
mod limit;
#[cfg(unix)]
pub mod processes;
mod scratch;
pub mod serializer;
mod source;
pub mod storage;
mod subject;
mod suite;
pub mod vectors;

pub use authenticator::{Answer, Sent, Server};
pub use checker::Client;
pub use host::TestHost;
#[doc(hidden)]
pub use limit::within_limit;
pub use scratch::Scratch;
pub use source::MemorySource;
pub use subject::{Case, Subject};
pub use suite::{case_names, run_case};

/// The names that the closures of a suite can use without importing them.
pub mod prelude {
    pub use crate::{Answer, Client, Scratch, Server, TestHost};
    pub use keyward_core::{Presented, SecretRef, Value, Values};
}

#[doc(hidden)]
pub use keyward_core as core;
