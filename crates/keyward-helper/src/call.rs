use std::fmt::{self, Debug};

use keyward_accounts::Accounts;
use keyward_core::{Error, Record, Result, Secret, Timestamp};
use keyward_origin::Location;

/// Returns the record of an account with what it gives out renewed, if that is due: an OAuth access
/// token that is good. It is called for the account that was chosen, and for no other one.
pub type Renew<'a> = &'a dyn Fn(&Location, Record) -> Result<Record>;

/// Returns the credential that a provider names for a location, if the user stored it for its server.
pub type Provided<'a> = &'a dyn Fn(&Location) -> Result<Option<Record>>;

/// Asks the user whether a credential may be stored.
pub type Confirm<'a> = &'a dyn Fn(&Location) -> Result<bool>;

/// Where a call finds credentials.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The accounts of a store. They come first.
    pub accounts: &'a Accounts<'a>,
    /// What renews the record that is given out.
    pub renew: Renew<'a>,
    /// What the providers name. It is given out if there is no account, and never changed.
    pub provided: Provided<'a>,
    /// What asks the user whether a new credential may be stored; `None` if it always may.
    pub confirm: Option<Confirm<'a>>,
}

impl<'a> Sources<'a> {
    /// Makes sources of accounts only, whose records are given out as they are.
    pub fn new(accounts: &'a Accounts<'a>) -> Self {
        Self { accounts, renew: &|_, record| Ok(record), provided: &|_| Ok(None), confirm: None }
    }
}

impl Debug for Sources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("accounts", self.accounts).finish_non_exhaustive()
    }
}

/// A call of a helper by another program, in that program's protocol.
///
/// The program starts the helper, writes a request to its standard input, and reads the reply from
/// its standard output. The caller of these functions does the input and the output. It:
///
/// 1. prints [`fixed_reply`](Self::fixed_reply) if there is one, and ends;
/// 2. reads until an empty line or the end of the input, at most [`MAX_REQUEST`](Self::MAX_REQUEST)
///    bytes, and calls [`parse`](Self::parse);
/// 3. opens the store, writes down what [`answer`](Self::answer) gives out, and prints its reply, or
///    [`miss`](Self::miss) if there is no store;
/// 4. prints [`failure`](Self::failure) if one of the steps fails.
pub trait Call {
    /// What the program writes.
    type Request;

    /// The longest request, in bytes.
    const MAX_REQUEST: usize;

    /// Returns the reply to a call that needs neither a request nor a store.
    fn fixed_reply(&self) -> Option<Secret>;

    /// Parses a request.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if it cannot be read, or can be read in two
    /// ways. The error never quotes the request.
    fn parse(&self, request: &[u8]) -> Result<Self::Request>;

    /// Returns why the call will have no effect, if the program would not tell the user.
    fn warning(&self, request: &Self::Request) -> Option<String>;

    /// Does what the program asks for.
    ///
    /// # Errors
    /// Those of the sources; [`Unsupported`](keyward_core::ErrorKind::Unsupported)
    /// if the protocol cannot carry the reply.
    fn answer(
        &self,
        request: &Self::Request,
        sources: &Sources<'_>,
        now: Timestamp,
    ) -> Result<Answer>;

    /// Returns the reply that says that there is no credential.
    fn miss(&self) -> Secret;

    /// Returns the reply after an error. There may be a credential, so it must not make the program
    /// continue as after a [`miss`](Self::miss).
    fn failure(&self, error: &Error) -> Secret;
}

/// What a call did.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The encoded reply.
    pub reply: Secret,
    /// Whose secret is in the reply.
    pub given: Option<Given>,
}

/// Whose secret a reply contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// That of an account.
    Account(Location),
    /// That of the credential that a provider names.
    Provided,
}
