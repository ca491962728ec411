//! Portal, realm and checkers: who a client of a server is, and what it may use.

mod args;
mod budget;
mod cache;
mod chain;
mod expression;
pub mod http;
mod login;
mod malformed;
mod marks;
mod matrix;
pub mod mechanisms;
mod memory;
mod parts;
mod penalties;
mod portal;
mod prepare;
mod realm;
pub mod sasl;

#[cfg(feature = "clap")]
pub use args::AuthArgs;
pub use args::{AuthSpec, UsageError, help as auth_help, type_help as auth_type_help};
pub use chain::{Chain, Link};
pub use expression::{Expression, Verdict};
pub use login::{Cause, Challenge, Login, Progress, Refusal, SessionId};
pub use malformed::Malformed;
pub use marks::PortalKey;
pub use matrix::{forms_for, is_legacy};
pub use memory::{Edit, Key, LocalMemory, Memory, SharedMemory, Topic};
pub use penalties::Penalties;
pub use portal::Portal;
pub use prepare::prepare_user;
pub use realm::{Admission, IdentityRealm, Interface, Realm, VISITOR, Visitor};
