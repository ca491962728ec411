//! Keycards: logins that last, are kept alive, and can be taken back at any moment.
//!
//! A [`Bouncer`] is a [portal](keyward_portal::Portal) with memory and time. A **requester**, such as a
//! web server, hands over what a client presented, and gets a [`Keycard`] for a client that is let in.
//! It asks about the keycard at each request of the client. The bouncer can end a keycard at any
//! moment, and tells the requester.
//!
//! Keycards are entries of a [`Source`](keyward_core::Source): a Keyward store, which several
//! processes can share, or [`LocalKeycards`], which keeps them in this process.

mod answer;
mod bouncer;
mod clock;
pub mod cookie;
mod entries;
mod keycard;
mod local;
mod remote;
mod request;

pub use answer::{Answer, Refused, Why};
pub use bouncer::{Bouncer, Selection, Settings};
pub use entries::{EndReason, Ended};
pub use keycard::{Keycard, KeycardId, RequesterId, State};
pub use local::LocalKeycards;
pub use remote::Remote;
pub use request::{Request, Response};
