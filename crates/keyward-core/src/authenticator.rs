use std::collections::BTreeMap;
use std::fmt::{self, Debug};

use crate::{Record, Result, Secret};

/// Makes requests to servers authentic, with a credential.
///
/// An authenticator does no I/O: it is told what happens, and says what to do. So it works for every
/// client of every protocol that has headers, and for a client in another process.
///
/// # Contract
/// The caller calls [`step`](Self::step) with [`Event::Start`] before it sends the request, or with
/// [`Event::Challenged`] after it sent the request without a credential. Then it does what each
/// [`Step`] says and reports what came of it, until the step is [`Accept`](Step::Accept) or
/// [`Refuse`](Step::Refuse):
///
/// | step | what the caller does | next event |
/// |---|---|---|
/// | [`Send`](Step::Send) | sends the request with the additions | [`Answered`](Event::Answered), or [`Challenged`](Event::Challenged) if nothing was added |
/// | [`Ask`](Step::Ask) | sends another request, if its URL may get the credential | [`Sub`](Event::Sub) |
/// | [`HashBody`](Step::HashBody) | hashes the body of the request | [`BodyHash`](Event::BodyHash) |
///
/// A caller ends after [`MAX_STEPS`] steps, so a server cannot keep it busy. It follows no redirect
/// during a step: a redirect is an answer like any other. What an authenticator added to one
/// request, the caller does not send to another URL; it begins again for that URL.
///
/// # Security
/// The caller, not the authenticator, decides which server gets a credential. An authenticator
/// returns a URL only from its own options or from a response; the caller checks each of them.
pub trait Authenticator: Debug + Send + Sync {
    /// Says what to do next with this request.
    ///
    /// `record` is the credential, or `None` if there is none. `state` is what the authenticator has
    /// learned from this server with this credential; it may change it.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if the credential cannot be used in this way.
    fn step(
        &self,
        request: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        state: &mut State,
    ) -> Result<Step>;
}

/// The highest number of steps for one request.
pub const MAX_STEPS: usize = 12;

/// The highest number of [`Step::Ask`] for one request.
pub const MAX_ASKS: usize = 5;

/// The largest body that is read of the response to a [`Step::Ask`], in bytes.
pub const MAX_SUB_BODY: usize = 1 << 20;

/// How much of the body of a response an authenticator gets to see, in bytes.
pub const MAX_BODY_START: usize = 10_000;

/// A header of a request or of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name. Upper and lower case are the same.
    pub name: String,
    /// Its value.
    pub value: Secret,
}

impl Header {
    /// Makes a header.
    pub fn new(name: impl Into<String>, value: impl Into<Secret>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// A request without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// The method, in capital letters.
    pub method: String,
    /// The URL, without user information and without a fragment.
    pub url: String,
    /// The headers that the caller sends anyway.
    pub headers: Vec<Header>,
}

/// A response, with the beginning of its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status.
    pub status: u16,
    /// The headers, in the order in which they came.
    pub headers: Vec<Header>,
    /// The first bytes of the body, at most [`MAX_BODY_START`]; none if the caller did not read it.
    pub body_start: Secret,
}

impl ResponseHead {
    /// Iterates over the values of the headers of this name that are text.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        values(&self.headers, name)
    }
}

fn values<'a>(headers: &'a [Header], name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.filter_map(|header| header.value.expose_str())
}

/// A request that an authenticator needs before the request itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubRequest {
    /// The request.
    pub head: RequestHead,
    /// Its body.
    pub body: Secret,
    /// Whether it contains the credential or something that was made from it.
    pub carries_credential: bool,
}

/// The response to a [`SubRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubResponse {
    /// The status and the headers.
    pub head: ResponseHead,
    /// The whole body, at most [`MAX_SUB_BODY`].
    pub body: Secret,
}

/// What has happened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Nothing yet.
    Start,
    /// The server has refused the request without additions, and may say what it wants.
    Challenged(&'a ResponseHead),
    /// The server has answered the request with the additions of [`Step::Send`].
    Answered(&'a ResponseHead),
    /// It has answered the request of [`Step::Ask`].
    Sub(&'a SubResponse),
    /// The hash of the body of the request.
    BodyHash(&'a [u8]),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Send the request with these additions.
    Send(Additions),
    /// Send another request first.
    Ask(Box<SubRequest>),
    /// Hash the body of the request.
    HashBody(HashKind),
    /// Use the answer: the server has accepted the credential, or did not want one.
    Accept,
    /// Give up.
    Refuse(Refusal),
}

/// What is added to a request. Nothing of it may go to another URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Additions {
    /// Headers. A header of the request with the same name is replaced.
    pub headers: Vec<Header>,
    /// Parameters for the query of the URL.
    pub query: Vec<(String, Secret)>,
    /// A certificate and its private key, both in PEM form, with which the client identifies itself.
    pub certificate: Option<(Vec<u8>, Secret)>,
}

impl Additions {
    /// Makes additions of one header.
    pub fn header(name: &str, value: impl Into<Secret>) -> Self {
        Self { headers: vec![Header::new(name, value)], ..Self::default() }
    }
}

/// A hash function for the body of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashKind {
    /// MD5, for servers that know nothing better.
    Md5,
    /// SHA-256.
    Sha256,
    /// SHA-512/256.
    Sha512_256,
}

/// Why an authenticator gives up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the caller can do about it.
    pub cause: RefusalCause,
    /// The reason, in a few words. It contains no secret.
    pub why: String,
}

/// What a caller can do after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalCause {
    /// The server wants a credential, and there was none: get one and begin again.
    NeedsCredential,
    /// The server did not accept the credential: try another one.
    WrongCredential,
    /// The server wants something else than this authenticator can do.
    OtherScheme,
}

impl Step {
    /// Makes the step of giving up.
    pub fn refuse(cause: RefusalCause, why: impl Into<String>) -> Self {
        Self::Refuse(Refusal { cause, why: why.into() })
    }
}

/// What an authenticator remembers of one server and one credential: a session's cookies, a nonce, a
/// token. The caller keeps it, as secret as the credential itself.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct State(BTreeMap<String, Secret>);

impl State {
    /// Returns a value.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }

    /// Sets a value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Secret>) {
        self.0.insert(name.into(), value.into());
    }

    /// Removes a value.
    pub fn remove(&mut self, name: &str) -> Option<Secret> {
        self.0.remove(name)
    }

    /// Iterates over all values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
