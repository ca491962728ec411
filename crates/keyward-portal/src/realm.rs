use std::fmt::{self, Debug};

use keyward_core::{Identity, Result, Timestamp};

/// The application behind a portal: it decides what a client may use, once it is known who that is.
///
/// # Contract
/// When [`avatar`](Self::avatar) is called, the client has proved who it is. So a realm makes a user
/// that it does not know yet, if it can. It returns an avatar for the first of the interfaces that
/// it offers to this user, in the order in which the server prefers them.
pub trait Realm: Send + Sync {
    /// What the server works with on behalf of the user: a mailbox, a session.
    type Avatar;

    /// What represents the client, so that the avatar can notify it; `()` if nothing does.
    type Mind;

    /// Returns the user's avatar, or says that there is none.
    ///
    /// # Errors
    /// Those of the application. The client is told that the server failed.
    fn avatar(
        &self,
        visitor: &Visitor,
        interfaces: &[Interface],
        mind: Self::Mind,
    ) -> Result<Admission<Self::Avatar>>;

    /// Whether a user may act as another one, whom the client asked for (authorization identity of
    /// SASL, RFC 4422 section 3.4.1). By default, no user may.
    ///
    /// # Errors
    /// Those of the application.
    fn may_act_as(&self, _user: &Identity, _other: &Identity) -> Result<bool> {
        Ok(false)
    }
}

/// The name of what a server can work with, such as `imap-mailbox`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interface(pub &'static str);

/// Who comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Visitor {
    /// Who it is; `None` for an anonymous client. If the client asked to act as another user, and may,
    /// this is the other user.
    pub identity: Option<Identity>,
    /// Who proved to be there; differs from `identity` only if one acts as another.
    pub authenticated: Option<Identity>,
    /// What was proved: the names of checkers and of kinds of credentials.
    pub factors: Vec<String>,
    /// Until when what was proved holds, if a checker has set an end. A server that keeps the client
    /// longer asks it to log in again.
    pub until: Option<Timestamp>,
}

/// What a realm says.
#[non_exhaustive]
pub enum Admission<A> {
    /// The user may come in.
    Granted {
        /// Which of the interfaces the avatar has.
        interface: Interface,
        /// The avatar.
        avatar: A,
        /// What to do, once, when the user leaves.
        logout: Option<Box<dyn FnOnce() + Send>>,
    },
    /// The user may not come in now, for a reason that the log gets.
    Denied(String),
    /// The realm has none of the interfaces.
    NoInterface,
}

impl<A> Admission<A> {
    /// Makes the admission of a user, without anything to do when the user leaves.
    pub fn granted(interface: Interface, avatar: A) -> Self {
        Self::Granted { interface, avatar, logout: None }
    }

    /// Makes the admission of a user, and says what to do when the user leaves.
    pub fn until_logout(
        interface: Interface,
        avatar: A,
        logout: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self::Granted { interface, avatar, logout: Some(Box::new(logout)) }
    }
}

impl<A> Debug for Admission<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted { interface, .. } => write!(f, "Granted({interface:?})"),
            Self::Denied(why) => write!(f, "Denied({why:?})"),
            Self::NoInterface => f.write_str("NoInterface"),
        }
    }
}

/// A realm for servers that only want to know who a client is.
///
/// The avatar is the [`Visitor`].
#[derive(Clone, Copy, Debug, Default)]
pub struct IdentityRealm;

/// What [`IdentityRealm`] offers.
pub const VISITOR: Interface = Interface("visitor");

impl Realm for IdentityRealm {
    type Avatar = Visitor;
    type Mind = ();

    fn avatar(&self, visitor: &Visitor, _: &[Interface], (): ()) -> Result<Admission<Visitor>> {
        Ok(Admission::granted(VISITOR, visitor.clone()))
    }
}
