use std::fmt::{self, Debug};
use std::time::Duration;

use keyward_core::{Denial, Secret};

use crate::realm::{Interface, Visitor};

/// A user who is logged in. Dropping it logs the user out, exactly once.
#[must_use = "dropping it logs the user out"]
pub struct Login<A> {
    visitor: Visitor,
    interface: Interface,
    avatar: A,
    last: Option<Secret>,
    _logout: Logout,
}

impl<A> Login<A> {
    pub(crate) fn new(
        visitor: Visitor,
        interface: Interface,
        avatar: A,
        last: Option<Secret>,
        logout: Option<Box<dyn FnOnce() + Send>>,
    ) -> Self {
        Self { visitor, interface, avatar, last, _logout: Logout(logout) }
    }

    /// Who it is.
    pub fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// Which of the requested interfaces the avatar has.
    pub fn interface(&self) -> Interface {
        self.interface
    }

    /// What the server works with.
    pub fn avatar(&self) -> &A {
        &self.avatar
    }

    /// The same, to be changed.
    pub fn avatar_mut(&mut self) -> &mut A {
        &mut self.avatar
    }

    /// The last message of the mechanism for the client, such as the server's signature in SCRAM.
    pub fn last_message(&self) -> Option<&Secret> {
        self.last.as_ref()
    }

    /// Logs the user out.
    pub fn logout(self) {}
}

impl<A> Debug for Login<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("visitor", &self.visitor)
            .field("interface", &self.interface)
            .finish_non_exhaustive()
    }
}

struct Logout(Option<Box<dyn FnOnce() + Send>>);

impl Drop for Logout {
    fn drop(&mut self) {
        if let Some(logout) = self.0.take() {
            logout();
        }
    }
}

/// Where a login is.
#[derive(Debug)]
#[must_use = "a login may need another round"]
pub enum Progress<A> {
    /// The user is in.
    LoggedIn(Login<A>),
    /// The client must answer first.
    Challenge(Challenge),
    /// The user is not let in.
    Refused(Refusal),
}

/// What a client must answer.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    /// The login that goes on with the answer.
    pub session: SessionId,
    /// What the client gets. It is empty if the client must present another factor.
    pub message: Secret,
    /// The factors of which another one is missing; empty if the client must answer the message.
    pub missing: Vec<String>,
}

/// Identifies a login that waits for the client: 128 random bits. It works once, from the same
/// address, for a short time.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId(pub(crate) Secret);

impl SessionId {
    /// Reads the id that a client sent back.
    pub fn from_client(text: &str) -> Self {
        Self(Secret::from(text))
    }

    /// The text for the client.
    pub fn expose(&self) -> &str {
        self.0.expose_str().unwrap_or_default()
    }
}

impl Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId")
    }
}

/// A login that was refused.
///
/// # Security
/// A client is told only that it was refused, and [`retry_after`](Self::retry_after). It must not
/// learn the cause, or it could find out which users exist.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Why, for the log.
    pub cause: Cause,
    /// How long all further attempts are refused, if they are.
    pub retry_after: Option<Duration>,
    /// The last message of the mechanism for the client, if it has one.
    pub last: Option<Secret>,
}

impl Refusal {
    pub(crate) fn new(cause: Cause) -> Self {
        Self { cause, retry_after: None, last: None }
    }
}

/// Why a login was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// No checker knows the user.
    UnknownUser,
    /// A checker knows the user and does not let them in.
    Denied(Denial),
    /// What was presented cannot be read.
    Malformed,
    /// There were too many failures before.
    TooManyFailures,
    /// The pending login is unknown, was used, has expired, or belongs to another address.
    NoSession,
    /// No checker can serve this kind of credential.
    NotServed,
    /// The user may not act as the user that was asked for.
    MayNotActAs,
    /// The factors belong to different users.
    OtherUser,
    /// The realm has no place for the user, and says why.
    Realm(String),
}
